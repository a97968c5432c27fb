/**
 * The memory that a saver's cache takes, beside the bytes that it may have: checkpoints of short chats are read until the cache is full
 * many times over, by a saver that had nothing in memory.
 *
 *   npm --prefix bench run memory -- [--megabytes 24]
 */

import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { HumanMessage } from "@langchain/core/messages";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { stubClient } from "./stub.ts";

const { values } = parseArgs({ options: { megabytes: { type: "string", default: "24" } } });
const cacheBytes = Number(values.megabytes) * 2 ** 20;

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;
async function held(): Promise<number> {
  for (let n = 0; n < 3; n++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const client = stubClient();
const writer = new DynamoDBSaver({ client, tableName: "t", cacheBytes: 1 });
const words = (n: number) => `message ${n} `.repeat(20);
const THREADS = Math.ceil(cacheBytes / 2000);
for (let n = 0; n < THREADS; n++) {
  let config = { configurable: { thread_id: `thread-${n}`, checkpoint_ns: "" } };
  for (let step = 0; step < 2; step++) {
    const messages = Array.from(
      { length: step + 1 },
      (_, at) => new HumanMessage({ content: words(n + at), id: `${n}-${at}` }),
    );
    const checkpoint = {
      ...emptyCheckpoint(),
      id: uuid6(step),
      channel_values: { messages },
      channel_versions: { messages: step + 1 },
    };
    const metadata = { source: "loop" as const, step, parents: {} };
    config = (await writer.put(config, checkpoint, metadata, { messages: step + 1 })) as typeof config;
  }
}
const before = await held();
const reader = new DynamoDBSaver({ client, tableName: "t", cacheBytes });
for (let n = 0; n < THREADS; n++)
  await reader.getTuple({ configurable: { thread_id: `thread-${n}`, checkpoint_ns: "" } });
const taken = (await held()) - before;
console.log(
  `Node.js ${process.version}\n\n| cache, MB | threads read | memory taken, MB | taken to counted |\n| --- | --- | --- | --- |`,
);
const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
console.log(`| ${mb(cacheBytes)} | ${THREADS} | ${mb(taken)} | ${(taken / cacheBytes).toFixed(2)} |`);
// Alive until it was measured.
if (!reader) throw new Error("no reader");
