/**
 * `npm run test:soak`: runs `npm test` again and again, first with the machine to itself and then beside processes that spin,
 * and prints a table of the times. A run that fails is kept, and the soak fails with it. For bench/RESULTS.md.
 */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HELP = `npm run test:soak -- [options]

  --idle N        runs with the machine to itself (10)
  --busy N        runs beside processes that spin (5)
  --spinning N    how many processes spin (2)
  --node PATH     another node to run two idle runs with; may be given more than once
  --keep FOLDER   where the output of each run is kept (node_modules/.cache/soak)`;

const { values: options } = parseArgs({
  options: {
    idle: { type: "string", default: "10" },
    busy: { type: "string", default: "5" },
    spinning: { type: "string", default: "2" },
    node: { type: "string", multiple: true, default: [] },
    keep: { type: "string", default: "node_modules/.cache/soak" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const RUN = fileURLToPath(new URL("run.mjs", import.meta.url));
const keep = join(ROOT, options.keep);
mkdirSync(keep, { recursive: true });
const OTHER_RUNS = 2;

const spinning = [];
const children = new Set();
const stop = () => {
  for (const child of [...spinning, ...children]) child.kill("SIGTERM");
};
process.on("exit", stop);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const versionOf = (node) =>
  new Promise((resolve, reject) => {
    const child = spawn(node, ["--version"], { stdio: ["ignore", "pipe", "inherit"] });
    let version = "";
    child.stdout.on("data", (chunk) => (version += chunk));
    child.once("error", () => reject(new Error(`${node} cannot be run`)));
    child.once("close", () => resolve(version.trim().slice(1)));
  });

/** Runs `npm test` once; resolves to its time in seconds, its exit code and its closing line. */
async function runOnce(node, file) {
  const began = performance.now();
  const child = spawn(node, [RUN], {
    cwd: ROOT,
    env: { ...process.env, PATH: dirname(node) + delimiter + process.env.PATH, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  const log = createWriteStream(file);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      log.write(chunk);
      output += chunk;
    });
  const code = await new Promise((resolve) => child.once("close", resolve));
  children.delete(child);
  log.end();
  const [line = "no closing line"] = output.match(/^\d+ passed, \d+ failed, \d+ skipped$/m) ?? [];
  return { seconds: (performance.now() - began) / 1000, code, line };
}

const rows = [];
let hasFailed = false;
async function soak(node, beside, count) {
  if (count === 0) return;
  const version = await versionOf(node);
  const runs = [];
  for (let i = 1; i <= count; i++) {
    const name = `node-${version}-${beside.replaceAll(" ", "-")}-${i}.log`;
    const run = await runOnce(node, join(keep, name));
    runs.push(run);
    if (run.code !== 0) hasFailed = true;
    const words = run.code === 0 ? "green" : `FAILED, see ${join(options.keep, name)}`;
    console.error(
      `Node ${version}, ${beside}, run ${i} of ${count}: ${words}, ${run.seconds.toFixed(0)} s, ${run.line}`,
    );
  }
  const seconds = runs.map((run) => run.seconds).sort((a, b) => a - b);
  const shown = [seconds[0], seconds[Math.floor(seconds.length / 2)], seconds.at(-1)].map((one) => one.toFixed(0));
  const green = runs.filter(({ code }) => code === 0).length;
  const lines = [...new Set(runs.map(({ line }) => line))].join("; ");
  rows.push(`| ${[version, beside, count, green, ...shown, lines].join(" | ")} |`);
}

await soak(process.execPath, "nothing", Number(options.idle));
for (const node of options.node) await soak(node, "nothing", OTHER_RUNS);
for (let i = 0; i < Number(options.spinning); i++)
  spinning.push(spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
await soak(process.execPath, `${options.spinning} spinning processes`, Number(options.busy));

const [{ model = "unknown" } = {}] = cpus();
console.log(`\n${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores, ${model.trim()}\n`);
console.log("| Node.js | beside | runs | green | shortest, s | median, s | longest, s | each says |");
console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
for (const row of rows) console.log(row);
process.exit(hasFailed ? 1 : 0);
