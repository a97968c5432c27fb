/**
 * A process that runs a thread is killed (SIGKILL) at a random moment, again and again; after each kill a new saver must
 * read what was acknowledged, or the step after it, whole. Progress on stderr, one line on stdout; exit code 1 at the
 * first loss.
 *
 *   npm --prefix bench run kills -- [--kills 500] [--endpoint http://127.0.0.1:8000]
 *
 * Without --endpoint, against dynalite in this process.
 */
import { deepStrictEqual } from "node:assert/strict";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { stateAt, stepOf, takeStep } from "../../test/fault/checkpoint-script.ts";

const CREDENTIALS = { region: "local", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
/** Steps of one thread; states are told from their number, which has four digits. */
const STEPS = 150;

async function work(endpoint: string, tableName: string, thread: string, from: number): Promise<void> {
  const saver = new DynamoDBSaver({ client: connectDynamo({ endpoint, ...CREDENTIALS }), tableName });
  for (let step = from; step < STEPS; step++) {
    await takeStep(saver, thread, step);
    process.send?.(step);
  }
  process.send?.("end");
}

async function main(kills: number, given: string | undefined): Promise<void> {
  const local = given === undefined ? await startLocalDynamo() : undefined;
  const endpoint = given ?? local?.url ?? "";
  const tableName = `kills-${process.pid}-${Date.now()}`;
  const client = connectDynamo({ endpoint, ...CREDENTIALS });
  await ensureTable(client, tableName);
  const seen = { kills: 0, threads: 0, steps: 0, inFlight: 0 };
  for (let thread = 0; seen.kills < kills; thread++) {
    seen.threads += 1;
    const name = `thread-${thread}`;
    for (let next = 0; next < STEPS && seen.kills < kills; ) {
      const acknowledged = await runAndKill([endpoint, tableName, name, String(next)]);
      seen.kills += 1;
      const tuple = await new DynamoDBSaver({ client, tableName }).getTuple({ configurable: { thread_id: name } });
      const latest = tuple ? stepOf(tuple.checkpoint.id) : -1;
      const least = Math.max(acknowledged, next - 1);
      if (latest < least) throw new Error(`${name}: step ${least} was acknowledged, and step ${latest} is the latest`);
      if (tuple) deepStrictEqual(JSON.stringify(tuple.checkpoint.channel_values), JSON.stringify(stateAt(latest)));
      if (tuple && latest === acknowledged) deepStrictEqual(tuple.pendingWrites, [["task", "messages", latest]]);
      if (latest > least) seen.inFlight += 1;
      seen.steps += latest + 1 - next;
      next = latest + 1;
      if (seen.kills % 25 === 0) process.stderr.write(`${seen.kills} kills, ${seen.steps} steps\n`);
    }
  }
  client.destroy();
  await local?.close();
  console.log(
    `${seen.kills} kills in ${seen.threads} threads, ${seen.steps} steps: none lost, none torn; ` +
      `${seen.inFlight} times the step under way had landed`,
  );
}

/** The last step that was acknowledged, -1 when none was. */
function runAndKill(args: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(import.meta.url), ["work", ...args], { execArgv: process.execArgv });
    let acknowledged = -1;
    let dying = false;
    child.on("message", (step) => {
      if (typeof step === "number") acknowledged = step;
      if (dying && step !== "end") return;
      dying = true;
      // A step takes some milliseconds, so that this falls anywhere within one.
      setTimeout(() => child.kill("SIGKILL"), Math.random() * 60);
    });
    child.on("exit", () => resolve(acknowledged));
  });
}

if (process.argv[2] === "work") {
  const [endpoint = "", tableName = "", thread = "", from = ""] = process.argv.slice(3);
  await work(endpoint, tableName, thread, Number(from));
} else {
  const options = { kills: { type: "string", default: "500" }, endpoint: { type: "string" } } as const;
  const { values } = parseArgs({ options });
  const kills = Number(values.kills);
  if (!Number.isSafeInteger(kills) || kills < 1) throw new Error("--kills is a whole number above 0");
  await main(kills, values.endpoint);
}
