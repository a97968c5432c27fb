/**
 * Fifty threads of 1 MB at once in one process: CPU time of a put, and how long the event loop is held, beside LangGraph's MemorySaver, which
 * serializes the same state and stores nothing. On a stub of DynamoDB that answers in the next turn of the event loop.
 *
 *   npm --prefix bench run crowd
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { HumanMessage } from "@langchain/core/messages";
import { type BaseCheckpointSaver, emptyCheckpoint, MemorySaver, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { stubClient } from "./stub.ts";
import { message } from "./workload.ts";

const [THREADS, ROUNDS, MESSAGES] = [50, 4, 1500];

function turning() {
  const client = stubClient();
  const send = client.send.bind(client) as (command: never) => Promise<unknown>;
  client.send = (async (command: never) => {
    await setImmediate();
    return send(command);
  }) as never;
  return client;
}

async function measure(saver: BaseCheckpointSaver): Promise<{ cpu: number; held: number }> {
  const states = Array.from({ length: THREADS }, (_, thread) =>
    Array.from({ length: MESSAGES }, (_, n) => {
      const content = `${message(thread * MESSAGES + n)} `.repeat(6).slice(0, 500);
      return new HumanMessage({ id: `${thread}-${n}`, content });
    }),
  );
  const configs: object[] = states.map((_, n) => ({ configurable: { thread_id: `thread-${n}`, checkpoint_ns: "" } }));
  const round = (n: number) =>
    Promise.all(
      states.map(async (messages, thread) => {
        await setImmediate();
        messages.push(new HumanMessage({ id: `${thread}-new-${n}`, content: message(n) }));
        const channels = { channel_values: { messages: [...messages] }, channel_versions: { messages: n } };
        const checkpoint = { ...emptyCheckpoint(), ...channels, id: uuid6(n) };
        const about = { source: "loop" as const, step: n, parents: {} };
        configs[thread] = await saver.put(configs[thread] as object, checkpoint, about, { messages: n });
      }),
    );
  await round(0);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = process.cpuUsage();
  for (let n = 1; n <= ROUNDS; n++) await round(n);
  const { user, system } = process.cpuUsage(before);
  delay.disable();
  return { cpu: (user + system) / 1000 / (THREADS * ROUNDS), held: delay.max / 1e6 };
}

const rows: string[] = [];
const all: { cpu: number; held: number }[] = [];
for (const [name, open] of [
  ["MemorySaver", () => new MemorySaver()],
  ["DynamoDBSaver", () => new DynamoDBSaver({ client: turning(), tableName: "stub" })],
] as const) {
  process.stderr.write(`${name}: ${THREADS} threads\n`);
  const one = await measure(open());
  all.push(one);
  rows.push(`| ${name} | ${one.cpu.toFixed(1)} | ${one.held.toFixed(0)} |`);
}
const [peer, ours] = all as [{ cpu: number; held: number }, { cpu: number; held: number }];
process.stdout.write(
  [
    "| saver | put, ms of CPU | event loop held, ms at most |",
    "|---|---|---|",
    ...rows,
    `| ratio | ${(ours.cpu / peer.cpu).toFixed(2)} | ${(ours.held / peer.held).toFixed(2)} |`,
    "",
  ].join("\n"),
);
