/**
 * Stands in for the `pulumi` command that the `sst` command line runs: it evaluates the program that SST has built of
 * sst.config.ts, with SST's own components, on the simulated engine of engine.mjs, and creates nothing anywhere.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const args = process.argv.slice(2);
const valuesOf = (name) => args.flatMap((one, i) => (one === name ? [args[i + 1]] : []));

const [command] = args;
if (command === "version") {
  process.stdout.write("v3.215.0\n");
} else if (command === "stack") {
  const [, app, stage] = args[2].split("/");
  saveState(app, stage, []);
} else if (command === "destroy") {
  // The resources that would be removed now are gone.
  appendFileSync(`${process.env.TENURE_SST_MANIFEST}.destroyed`, "");
  tell({ summaryEvent: { maybeCorrupt: false, durationSeconds: 1, resourceChanges: {}, policyPacks: {} } });
} else {
  process.exit(evaluate());
}

function evaluate() {
  const [, app, stage] = valuesOf("--stack")[0].split("/");
  const main = /main: (.*)/.exec(readFileSync("Pulumi.yaml", "utf8"))[1];
  const out = process.env.TENURE_SST_MANIFEST;
  const runner = join(dirname(main), `tenure-runner-${process.pid}.mjs`);
  const options = { main, out, stage, app, isPreview: command === "preview" };
  const engine = JSON.stringify(fileURLToPath(new URL("engine.mjs", import.meta.url)));
  // Beside the program, so that both find the one Pulumi that SST has installed.
  writeFileSync(runner, `import { run } from ${engine};\nawait run(${JSON.stringify(options)});\n`);
  const config = Object.fromEntries(valuesOf("--config").map((one) => one.split(/=(.*)/s).slice(0, 2)));
  const env = { ...process.env, PULUMI_CONFIG: JSON.stringify(config) };
  const result = spawnSync(process.execPath, ["--no-deprecation", runner], { encoding: "utf8", env });
  rmSync(runner, { force: true });
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  const { resources = [], error = existsSync(out) ? undefined : result.stderr } = existsSync(out)
    ? JSON.parse(readFileSync(out, "utf8"))
    : {};
  const failure = error ?? (result.status === 0 ? undefined : `the program ended with ${result.status}`);
  if (failure) tell({ diagnosticEvent: { prefix: "", message: failure, color: "raw", severity: "error" } });
  tell({ summaryEvent: { maybeCorrupt: false, durationSeconds: 1, resourceChanges: {}, policyPacks: {} } });
  if (!failure && command === "up") saveState(app, stage, toState(app, stage, resources));
  return failure ? 1 : 0;
}

/** The part of the state that `sst` reads: the outputs of the program, which come first, and what links stand for. */
function toState(app, stage, resources) {
  return resources
    .filter(({ type, outputs }) => outputs && ["pulumi:pulumi:Stack", "sst:sst:LinkRef"].includes(type))
    .map(({ type, name, outputs }) => ({ urn: `urn:pulumi:${stage}::${app}::${type}::${name}`, type, outputs }));
}

function tell(event) {
  const line = { sequence: Date.now(), timestamp: Math.floor(Date.now() / 1000), ...event };
  appendFileSync(valuesOf("--event-log")[0], `${JSON.stringify(line)}\n`);
}

function saveState(app, stage, resources) {
  const file = join(new URL(process.env.PULUMI_BACKEND_URL).pathname, ".pulumi/stacks", app, `${stage}.json`);
  mkdirSync(dirname(file), { recursive: true });
  const latest = { manifest: { time: new Date().toISOString(), magic: "", version: "v3.215.0" }, resources };
  writeFileSync(file, JSON.stringify({ version: 3, checkpoint: { stack: `organization/${app}/${stage}`, latest } }));
}
