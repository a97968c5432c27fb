/**
 * LangGraph's own tests of its core, run with DynamoDBSaver in place of MemorySaver:
 *
 *   npm run compat:core -- <path to a checkout of langchain-ai/langgraphjs> [file…]
 *
 * Each test that uses a checkpointer runs twice, with LangGraph's MemorySaver and with DynamoDBSaver, and every checkpoint that
 * LangGraph reads is read a second time by a saver that has just begun. Exits with 1 when a test passes with MemorySaver only
 * and differences.ts does not say why, or when a second read says something else. Nothing of the checkout is changed or kept.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { dynamoEndpoint } from "../../support/stores/found.ts";
import { differences } from "./differences.ts";
import type { Results } from "./results.ts";

const USAGE = `npm run compat:core -- <path to a checkout of langchain-ai/langgraphjs> [file…]

Runs LangGraph's own core tests with MemorySaver and with DynamoDBSaver, and says where they differ. In the checkout, once:
  pnpm install --filter '@langchain/langgraph...'
A file is a part of a path, as in time_travel; all that use a checkpointer are run when none is named. The table is in a DynamoDB that
is started for it, or in the one at TENURE_TEST_DYNAMODB_ENDPOINT.`;

const [checkout, ...patterns] = process.argv.slice(2);
if (checkout === "--help" || checkout === "-h") {
  console.log(USAGE);
  process.exit(0);
}
const core = resolve(checkout ?? "", "libs/langgraph-core");
if (!checkout || nameOf(join(core, "package.json")) !== "@langchain/langgraph")
  fail(`${checkout ? `${checkout} is no checkout of langchain-ai/langgraphjs.` : "Name a checkout."}\n\n${USAGE}`);
const vitest = join(core, "node_modules/vitest/vitest.mjs");
if (!existsSync(vitest))
  fail(`${checkout} is not installed. In it, run: pnpm install --filter '@langchain/langgraph...'`);

const usesCheckpointer = (file: string) => /memorysaver|checkpointer/i.test(readFileSync(join(core, file), "utf8"));
const files = readdirSync(join(core, "src"), { recursive: true, encoding: "utf8" })
  .map((file) => join("src", file))
  .filter((file) => file.endsWith(".test.ts") && !file.endsWith(".int.test.ts") && usesCheckpointer(file))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();
if (files.length === 0)
  fail(`No test file of ${checkout} that uses a checkpointer has ${patterns.join(" or ")} in its path.`);

const scratch = mkdtempSync(join(tmpdir(), "tenure-compat-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
const dynamo = dynamoEndpoint ? undefined : await startLocalDynamo();
const endpoint = dynamoEndpoint ?? (dynamo?.url as string);

const memory = await run("memory");
const ours = await run("tenure");
await dynamo?.close();

const passed = (results: Results) =>
  new Set(results.tests.filter(({ state }) => state === "passed").map(({ name }) => name));
const ran = ({ tests }: Results) => tests.filter(({ state }) => state !== "skipped").length;
const [byMemory, byOurs] = [passed(memory), passed(ours)];
const missing = [...byMemory].filter((name) => !byOurs.has(name));
const reasonOf = (name: string) =>
  differences.find(({ test, file }) => (test ? name.endsWith(test) : name.includes(file ?? name)))?.reason;

console.log(`\nMemorySaver:   ${byMemory.size} of ${ran(memory)} pass`);
console.log(`DynamoDBSaver: ${byOurs.size} of ${ran(ours)} pass`);
console.log(`\n${missing.length} tests pass with MemorySaver and not with DynamoDBSaver:`);
for (const name of missing) {
  const error = ours.tests.find((one) => one.name === name)?.error ?? "did not run";
  console.log(`- ${name}\n  ${reasonOf(name) ?? `UNEXPLAINED: ${error}`}`);
}
const faults = [...memory.faults, ...ours.faults];
for (const fault of faults) console.log(`Outside of a test: ${fault}`);
console.log(
  `\n${ours.reads} checkpoints were read a second time by a saver that had just begun; ${ours.differing.length} differ:`,
);
for (const one of ours.differing) console.log(`- ${one}`);
const unexplained = missing.filter((name) => reasonOf(name) === undefined).length;
process.exit(unexplained > 0 || ours.differing.length > 0 || byMemory.size === 0 ? 1 : 0);

/** Runs the files in the checkout's own vitest, with a configuration of ours. Nothing is written below the checkout. */
async function run(saver: "memory" | "tenure"): Promise<Results> {
  console.log(`\n${saver === "memory" ? "MemorySaver" : "DynamoDBSaver"}, ${files.length} files`);
  const results = join(scratch, `${saver}.json`);
  const config = fileURLToPath(new URL("./vitest.config.ts", import.meta.url));
  const child = spawn(process.execPath, [vitest, "run", "--root", core, "--config", config, ...files], {
    cwd: core,
    env: {
      ...process.env,
      CI: "true",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      COMPAT_CACHE: join(scratch, "cache"),
      COMPAT_ENDPOINT: endpoint,
      COMPAT_RESULTS: results,
      COMPAT_SAVER: saver,
      COMPAT_READS: join(scratch, `${saver}.reads`),
    },
    stdio: "inherit",
  });
  await new Promise((ended) => child.once("exit", ended));
  if (!existsSync(results)) fail(`The tests did not run to their end with ${saver}.`);
  return JSON.parse(readFileSync(results, "utf8")) as Results;
}

function nameOf(file: string): unknown {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { name?: unknown }).name : undefined;
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
