/**
 * The process that runs graphs is killed (SIGKILL) at a random moment of each run, and started again: every run must end,
 * and its thread hold what it holds without a kill. Progress on stderr, one line on stdout; exit code 1 at the first run
 * that is lost, doubled or stuck.
 *
 *   npm --prefix bench run run-kills -- --redis redis://127.0.0.1:6379/5 --dynamodb http://127.0.0.1:8000 [--runs 200]
 */
import { deepStrictEqual } from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "@langchain/langgraph-sdk";
import { type Gate, startGates } from "../../test/support/service/gate.ts";
import { gated, said, turn } from "../../test/support/service/gated-graph.ts";
import { startTestStack } from "../../test/support/service/stack.ts";

const STEPS = 8;
const PAUSE_MS = 60;
/** A run that has not ended by then is stuck. */
const STUCK_MS = 30_000;

interface Values {
  messages: { content: string }[];
}

const dataDir = mkdtempSync(join(tmpdir(), "tenure-kills-"));

const options = {
  redis: { type: "string" },
  dynamodb: { type: "string" },
  runs: { type: "string", default: "200" },
} as const;

/** `dataDir` has the key of the sessions, which are to outlive the process. */
async function serve(redis: string, dynamodb: string, dataDir: string): Promise<void> {
  const stack = await startTestStack(
    { redisUrl: new URL(redis), dynamoEndpoint: new URL(dynamodb), dataDir },
    { graphs: { gated }, leasePolicy: { leaseMs: 1500, heartbeatMs: 300 } },
  );
  process.on("disconnect", () => process.exit());
  process.on("message", async () => process.send?.({ token: await stack.logIn("kills@example.com") }));
  process.send?.({ api: stack.api });
}

function start(redis: string, dynamodb: string): Promise<{ child: ChildProcess; api: string }> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ["serve", redis, dynamodb, dataDir], {
      execArgv: process.execArgv,
    });
    child.once("message", (message) => resolve({ child, api: (message as { api: string }).api }));
    child.once("exit", (code) => reject(new Error(`the worker ended with ${code}`)));
  });
}

const ATTEMPT = 1_000_000_000;

async function main(redis: string, dynamodb: string, runs: number): Promise<void> {
  const wanted = said(STEPS);
  const gates = await startGates();
  const seen = { runs: 0, again: 0 };
  while (seen.runs < runs) {
    const { child, api } = await start(redis, dynamodb);
    const token = await logIn(child);
    const client = new Client<Values>({ apiUrl: api, apiKey: token });
    const { thread_id } = await client.threads.create();
    const gate = gates.add();
    const opened = openSlowly(gate);
    const { run_id } = await client.runs.create(thread_id, "gated", turn(STEPS, { gate }));
    await new Promise((next) => setTimeout(next, Math.random() * (STEPS + 1) * PAUSE_MS));
    child.removeAllListeners("exit");
    child.kill("SIGKILL");

    const next = await start(redis, dynamodb);
    const after = new Client<Values>({ apiUrl: next.api, apiKey: token });
    const deadline = performance.now() + STUCK_MS;
    let run = await after.runs.get(thread_id, run_id);
    while (run.status === "pending" || run.status === "running") {
      if (performance.now() > deadline) throw new Error(`run ${run_id} is stuck: ${run.status}`);
      await new Promise((again) => setTimeout(again, 50));
      run = await after.runs.get(thread_id, run_id);
    }
    const [{ values, next: left }, thread] = await Promise.all([
      after.threads.getState(thread_id),
      after.threads.get(thread_id),
    ]);
    deepStrictEqual(
      [run.status, thread.status, left, values.messages.map(({ content }) => content)],
      ["success", "idle", [], wanted],
    );
    // The events of the meantime are told from the beginning, in order, once each.
    const ids: number[] = [];
    for await (const { id } of after.runs.joinStream(thread_id, run_id, { lastEventId: "-1" })) ids.push(Number(id));
    // Each attempt has numbers of its own, a billion apart: see docs/run-protocol.md.
    deepStrictEqual(
      ids,
      ids.map((id, i) => (id % ATTEMPT === 0 ? id : (ids[i - 1] ?? -1) + 1)),
    );
    deepStrictEqual(
      ids,
      [...new Set(ids)].sort((a, b) => a - b),
    );
    await opened;
    seen.runs += 1;
    next.child.removeAllListeners("exit");
    next.child.kill("SIGKILL");
    if (seen.runs % 10 === 0) process.stderr.write(`${seen.runs} of ${runs} runs\n`);
  }
  console.log(`${seen.runs} runs whose process was killed: all ended, none lost, doubled or stuck`);
  process.exit(0);
}

/** Each step waits for a while, so that a kill comes at any moment of it. */
async function openSlowly(gate: Gate): Promise<void> {
  for (let step = 0; step < STEPS; step++) {
    await gate.reached(step);
    await new Promise((next) => setTimeout(next, PAUSE_MS));
    gate.open(step);
  }
}

function logIn(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("message", (message) => resolve((message as { token: string }).token));
    child.send("log in");
  });
}

if (process.argv[2] === "serve") await serve(process.argv[3] ?? "", process.argv[4] ?? "", process.argv[5] ?? "");
else {
  const { redis, dynamodb, runs } = parseArgs({ options }).values;
  if (!redis || !dynamodb)
    throw new Error("name the stores: --redis redis://127.0.0.1:6379/5 --dynamodb http://127.0.0.1:8000");
  await main(redis, dynamodb, Number(runs));
}
