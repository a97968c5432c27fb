/**
 * `npm run deploy -- --stage staging`: checks what a deployment needs before anything is created, says for each thing that is
 * missing the command that mends it, then calls `sst deploy`, and asks the deployed API until it answers.
 *
 * The checks only read: with `--check` nothing else happens. No secret is printed. Every request has a deadline.
 */
import "./check-node.cjs";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { checkAll } from "./deploy/checks.mjs";
import { ROOT, sst } from "./deploy/sst.mjs";

const HELP = `npm run deploy -- --stage <name> [options]

  --stage <name>      production, staging, or a stage of your own
  --check             only looks: says what is missing, and creates nothing
  --wait <seconds>    how long the deployed API may take to answer (default 600)
  --help

What it reads from the environment is in docs/deploy.md. Ends with
  0  when all is there, and with a deployment that answers
  1  when something is missing; nothing was created
  2  when it was called wrongly
  3  when "sst deploy" has failed
  4  when what was deployed does not answer
`;
const EXIT = { missing: 1, misused: 2, failed: 3, silent: 4 };
const ANSWER_DEADLINE_MS = 10_000;
const ANSWER_PAUSE_MS = 3_000;

const options = {
  stage: { type: "string" },
  check: { type: "boolean", default: false },
  wait: { type: "string", default: "600" },
  help: { type: "boolean", default: false },
};

const print = (line = "") => process.stdout.write(`${line}\n`);

function misused(problem) {
  process.stderr.write(`deploy: ${problem}\n\n${HELP}`);
  process.exit(EXIT.misused);
}

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    misused(error.message);
  }
  if (values.help) {
    print(HELP);
    process.exit(0);
  }
  if (!values.stage) misused("--stage is missing");
  // As SST has it.
  if (!/^[a-zA-Z0-9-]+$/.test(values.stage)) misused("--stage takes letters, digits and hyphens");
  if (!(Number(values.wait) >= 0)) misused("--wait must be a number of seconds");
  return values;
}

const { stage, check, wait } = readOptions();
print(`What the stage ${stage} needs`);
const found = { ok: 0, note: 0, missing: 0 };
for await (const { level, name, what, mend = [] } of checkAll({ stage, env: process.env })) {
  found[level] += 1;
  print(`  ${level.padEnd(8)} ${name.padEnd(20)} ${what}`);
  for (const line of [mend].flat()) print(`${"".padEnd(32)}${line}`);
}
print();
if (found.missing > 0) {
  print(`${found.missing} missing: nothing was created. docs/deploy.md#before-the-first-time`);
  process.exit(EXIT.missing);
}
if (check) {
  print(
    `Nothing is missing${found.note > 0 ? `; ${found.note} to know of` : ""}. Deploy: npm run deploy -- --stage ${stage}`,
  );
  process.exit(0);
}

/** Where SST writes what the program returns. */
const OUTPUTS = join(ROOT, ".sst/outputs.json");
// Links of another stage may be there.
rmSync(OUTPUTS, { force: true });
const { code } = await sst(["deploy", "--stage", stage], { stdio: "inherit" });
if (code !== 0) {
  print(`\nsst deploy ended with ${code}. What it had created is there, and it goes on from it the next time.`);
  process.exit(EXIT.failed);
}
const url = existsSync(OUTPUTS) ? JSON.parse(readFileSync(OUTPUTS, "utf8")).url : undefined;
if (typeof url !== "string") {
  print("\nsst deploy named no url: is it still returned at the end of sst.config.ts?");
  process.exit(EXIT.failed);
}
const asked = `${url.replace(/\/$/, "")}/api/ok`;
print(`\nAsking ${asked}`);
const seen = await untilAnswered(asked, Number(wait) * 1000);
if (seen !== "ok") {
  print(`It has not answered within ${wait} s: ${seen}. The functions' logs say why (docs/operations.md).`);
  print(`Once it does: npm run smoke -- --url ${url}`);
  process.exit(EXIT.silent);
}
print(`It answers. Try it as a user does: npm run smoke -- --url ${url}`);

/** Resolves to "ok", or to what was seen last. A new domain, and CloudFront, need minutes. */
async function untilAnswered(address, patienceMs) {
  const end = performance.now() + patienceMs;
  let last;
  do {
    if (last !== undefined) await pause(Math.min(ANSWER_PAUSE_MS, Math.max(0, end - performance.now())));
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(ANSWER_DEADLINE_MS) });
      const body = await response.json().catch(() => ({}));
      if (response.status === 200 && body.ok === true) return "ok";
      last = `status ${response.status}`;
    } catch (error) {
      last = error.cause?.code ?? error.name;
    }
  } while (performance.now() < end);
  return last;
}
