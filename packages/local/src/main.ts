#!/usr/bin/env node
/**
 * The program of the local stack: `npm start` and its like. The stack is imported once the settings have been read, so that a mistake
 * in them is told at once. Exit codes: 0, 1 for a fault or a finding, 2 for a command line that cannot be understood.
 */
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { withDeadline } from "@tenure/core/deadline";
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { Finding } from "@tenure/functions/doctor";
import { findApp, isInstalled, loadApp } from "./app.ts";
import { type Command, type Given, readCommand, UsageError } from "./commands.ts";
import { readConfig, unknownSettings } from "./config.ts";
import { openDataDir, removeDataDir } from "./data-dir.ts";
import { problemOf } from "./dev/problem.ts";

// The AWS SDK's notice that it drops Node.js 20 in January 2027 is for those who deploy, not for whoever tries this out.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const print = (line: string) => process.stdout.write(`${line}\n`);

const SKIP_DAMAGE = "--skip-damage";
const YES = "--yes";

function warnOfUnknown(): void {
  for (const name of unknownSettings(process.env))
    process.stderr.write(`tenure: ${name} is not a setting; it is ignored\n`);
}

async function start({ flags }: Given): Promise<void> {
  warnOfUnknown();
  const config = readConfig(process.env);
  const path = findApp(process.env);
  const app = await loadApp(path).catch((cause: unknown) => {
    throw new TenureError({ tag: "misconfigured", problems: problemOf(cause, process.cwd()).split("\n") }, { cause });
  });
  const { startStack } = await import("./stack.ts");
  const stack = await startStack(
    { ...config, skipDamage: flags.has(SKIP_DAMAGE) },
    {
      ...app,
      apart: true,
      onMail: ({ to, code }) => print(`code for ${to}: ${code}`),
    },
  );
  stopOnSignals(() => stack.close());
  print(`Tenure is at ${stack.url}`);
  print(`  mailbox   ${stack.url}/dev/mail`);
  for (const line of stack.engines) print(`  ${line}`);
  print("Ctrl-C stops it; npm run reset removes its data.");
}

/** `npm run dev`: see dev/dev.ts. */
async function dev({ flags }: Given): Promise<void> {
  warnOfUnknown();
  const config = readConfig(process.env);
  const { develop } = await import("./dev/dev.ts");
  const development = await develop({ ...config, skipDamage: flags.has(SKIP_DAMAGE) }, print);
  stopOnSignals(() => development.close());
}

function stopOnSignals(close: () => Promise<void>): void {
  let closing = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (closing) return;
      closing = true;
      void close().then(
        () => print("stopped"),
        (error: unknown) => fail(error),
      );
    });
}

async function reset({ flags }: Given): Promise<void> {
  const { dataDir } = readConfig(process.env);
  if (!existsSync(dataDir)) {
    print(`${dataDir} is not there: nothing to remove`);
    return;
  }
  if (!flags.has(YES) && !(await confirm(`Remove ${dataDir}, with all sessions, threads and users in it?`)))
    throw new UsageError(`${dataDir} stays: npm run reset -- ${YES} removes it`);
  removeDataDir(dataDir);
  print(`removed ${dataDir}`);
}

/** Asks whoever sits at the terminal; false where nobody does. */
async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `).catch(() => "");
  terminal.close();
  return /^y(?:es)?$/i.test(answer.trim());
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
  wantData(dataDir);
  const { release } = openDataDir(dataDir, { newGeneration: true });
  release();
  print(`${dataDir} has a new generation: everyone logs in again`);
}

/** Throws where nothing has been kept yet: a question about it must not make it. */
function wantData(dataDir: string): void {
  if (!existsSync(dataDir))
    throw new TenureError({
      tag: "misconfigured",
      problems: [`${dataDir} is not there: npm start makes it, or TENURE_DATA_DIR names another one`],
    });
}

async function thread({ words: [threadId = ""] }: Given): Promise<void> {
  const config = readConfig(process.env);
  if (!config.dynamoEndpoint) wantData(config.dataDir);
  const { openCheckpointer } = await import("./checkpointer.ts");
  const { describeThread } = await import("./thread-report.ts");
  const { checkpointer, close } = await openCheckpointer(config);
  try {
    const report = await checkpointer.inspect(threadId);
    for (const line of describeThread(threadId, report)) print(line);
    if (report.checkpoints.length === 0) process.exitCode = 1;
  } finally {
    await close();
  }
}

const EXTRACTOR = fileURLToPath(new URL("../../../node_modules/.cache/tenure-schemas", import.meta.url));
const SOURCE_SCHEMAS = fileURLToPath(new URL("../../functions/src/graphs/source-schemas.ts", import.meta.url));

async function schemas({ words: args }: Given): Promise<void> {
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

const commands: Record<string, Command> = {
  start: {
    call: "npm start",
    does: "serves the local stack: site, API, mailbox and stores",
    flags: { [SKIP_DAMAGE]: "starts without what is damaged of the data, and says what that is" },
    run: start,
  },
  dev: {
    call: "npm run dev",
    does: "serves the same, and follows your changes of graphs, routes and the site",
    flags: { [SKIP_DAMAGE]: "starts without what is damaged of the data, and says what that is" },
    run: dev,
  },
  reset: {
    call: "npm run reset",
    does: "removes the local stack's data: sessions, threads, users and all",
    flags: { [YES]: "without being asked" },
    run: reset,
  },
  doctor: { call: "npm run doctor", does: "says whether both stores answer and are set up right", run: doctor },
  thread: {
    call: "npm run thread -- <id>",
    does: "prints the storage that a thread takes up, with the stack stopped",
    takes: ["a thread"],
    run: thread,
  },
  generation: {
    call: "npm run generation",
    does: "ends all sessions and codes, for after a restore of Redis",
    run: generation,
  },
  // It writes into a clone of Tenure, and an installed one is none.
  ...(!isInstalled && {
    schemas: {
      call: "npm run schemas -- <name>=<file>:<export> …",
      does: "reads the JSON Schemas of graphs whose state only types declare",
      takes: ["a graph …"],
      run: schemas,
    },
  }),
};

/** Causes that lie outside, and what to do about each. */
const REMEDIES: Record<string, string> = {
  EMFILE: "this process may open too few files: raise its limit, as with `ulimit -n 1024`",
  ENFILE: "this machine has too many files open: end other programs",
  ENOMEM: "this machine has too little memory left: end other programs",
  ENOSPC: "the disk is full: make room on it",
};

/** Files that the stack has open at once, about. */
const FILES = 256;

/** The code of a fault. A module that is not found may be there, and Node.js not allowed to open one file more. */
function codeOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ERR_MODULE_NOT_FOUND" && !mayOpen(FILES) ? "EMFILE" : code;
}

function mayOpen(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(fileURLToPath(import.meta.url), "r"));
    return true;
  } catch {
    return false;
  } finally {
    for (const file of opened) closeSync(file);
  }
}

/** A mistake in the setting-up is one line each; anything else is a bug and keeps its stack. */
function fail(error: unknown): never {
  const say = (line: string) => process.stderr.write(`tenure: ${line}\n`);
  const remedy = REMEDIES[codeOf(error) ?? ""];
  if (error instanceof UsageError) say(error.message);
  else if (isTenureError(error, "misconfigured")) for (const problem of error.reason.problems) say(problem);
  else say(remedy ?? (error instanceof Error ? (error.stack ?? error.message) : String(error)));
  process.exit(error instanceof UsageError ? 2 : 1);
}

try {
  const read = readCommand(process.argv.slice(2), commands, print);
  await read?.command.run(read.given);
} catch (error) {
  fail(error);
}
