/**
 * `npm start`, `npm run reset`, `npm run thread`, `npm run generation`, `npm run doctor` and `npm run schemas`. The stack is imported once the settings have been read,
 * so that a mistake in them is told at once.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { withDeadline } from "@tenure/core/deadline";
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { Finding } from "@tenure/functions/doctor";
import { readConfig, unknownSettings } from "./config.ts";
import { openDataDir, removeDataDir } from "./data-dir.ts";

// The AWS SDK's notice that it drops Node.js 20 in January 2027 is for those who deploy, not for whoever tries this out.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const print = (line: string) => process.stdout.write(`${line}\n`);

const SKIP_DAMAGE = "--skip-damage";

async function start(flags: string[]): Promise<void> {
  const unknown = flags.find((flag) => flag !== SKIP_DAMAGE);
  if (unknown)
    throw new TenureError({ tag: "misconfigured", problems: [`npm start takes ${SKIP_DAMAGE}, not ${unknown}`] });
  for (const name of unknownSettings(process.env))
    process.stderr.write(`tenure: ${name} is not a setting; it is ignored\n`);
  const config = readConfig(process.env);
  const { startStack } = await import("./stack.ts");
  const stack = await startStack(
    { ...config, skipDamage: flags.includes(SKIP_DAMAGE) },
    {
      onMail: ({ to, code }) => print(`code for ${to}: ${code}`),
    },
  );
  let closing = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (closing) return;
      closing = true;
      void stack.close().then(
        () => print("stopped"),
        (error: unknown) => fail(error),
      );
    });
  print(`Tenure is at ${stack.url}`);
  print(`  mailbox   ${stack.url}/dev/mail`);
  for (const line of stack.engines) print(`  ${line}`);
  print("Ctrl-C stops it; npm run reset removes its data.");
}

function reset(): void {
  const { dataDir } = readConfig(process.env);
  print(removeDataDir(dataDir) ? `removed ${dataDir}` : `${dataDir} is not there: nothing to remove`);
}

const DOCTOR_DEADLINE_MS = 20_000;

/** Asks the stack that runs, or else starts one for as long as it takes. Ends with 1 where something is not well. */
async function doctor(): Promise<void> {
  const config = readConfig(process.env);
  const { report } = await import("@tenure/functions/doctor");
  const running = `http://localhost:${config.port}/dev/doctor.json`;
  let findings = await withDeadline(DOCTOR_DEADLINE_MS, async (signal) => {
    const answer = await fetch(running, { signal });
    return (await answer.json()) as Finding[];
  }).catch(() => undefined);
  if (!findings) {
    const { startStack } = await import("./stack.ts");
    const stack = await startStack({ ...config, port: 0 }, { onMail: () => {} });
    findings = await stack.examine().finally(() => stack.close());
  }
  const { lines, isWell } = report(findings);
  for (const line of lines) print(line);
  if (!isWell) process.exitCode = 1;
}

function generation(): void {
  const { dataDir } = readConfig(process.env);
  const { release } = openDataDir(dataDir, { newGeneration: true });
  release();
  print(`${dataDir} has a new generation: everyone logs in again`);
}

async function thread(threadId: string | undefined): Promise<void> {
  if (!threadId) throw new TenureError({ tag: "misconfigured", problems: ["name a thread: npm run thread -- <id>"] });
  const config = readConfig(process.env);
  const { openCheckpointer } = await import("./stack.ts");
  const { describeThread } = await import("./thread-report.ts");
  const { checkpointer, close } = await openCheckpointer(config);
  try {
    for (const line of describeThread(threadId, await checkpointer.inspect(threadId))) print(line);
  } finally {
    await close();
  }
}

const EXTRACTOR = fileURLToPath(new URL("../../../node_modules/.cache/tenure-schemas", import.meta.url));
const SOURCE_SCHEMAS = fileURLToPath(new URL("../../functions/src/graphs/source-schemas.ts", import.meta.url));

async function schemas(args: string[]): Promise<void> {
  const { graphSources, installExtractor, readSchemas, sourceFile } = await import("./graph-schemas.ts");
  const { sourceSchemas } = await import("@tenure/functions/graphs/source-schemas");
  const sources = graphSources(args);
  installExtractor(EXTRACTOR, print);
  const found = await readSchemas(sources, EXTRACTOR);
  for (const [name, of] of Object.entries(found))
    print(
      `${name}: ${of[""]?.state ? "read" : "its type does not tell its state (`satisfies GraphFactory` keeps it)"}`,
    );
  writeFileSync(SOURCE_SCHEMAS, sourceFile({ ...sourceSchemas, ...found }));
  print(`written to ${SOURCE_SCHEMAS}`);
}

/** A mistake in the setting-up is one line each; anything else is a bug and keeps its stack. */
function fail(error: unknown): never {
  if (isTenureError(error, "misconfigured"))
    for (const problem of error.reason.problems) process.stderr.write(`tenure: ${problem}\n`);
  else process.stderr.write(`tenure: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}

const args = process.argv.slice(2);
const [command = "start", ...rest] = args[0]?.startsWith("--") ? ["start", ...args] : args;
try {
  if (command === "start") await start(rest);
  else if (command === "reset") reset();
  else if (command === "thread") await thread(rest[0]);
  else if (command === "generation") generation();
  else if (command === "doctor") await doctor();
  else if (command === "schemas") await schemas(rest);
  else throw new Error(`there is no command ${command}: use start, reset, thread, generation, doctor or schemas`);
} catch (error) {
  fail(error);
}
