/**
 * The CPU time of a `put` by the size of the state, when a message of 600 characters is added to it; beside it that of merely
 * serializing the state, which every saver does. Medians, on a stub of DynamoDB.
 *
 *   npm --prefix bench run large
 */
import { MemorySaver } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { stubClient } from "./stub.ts";

const PUTS = 40;
const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] as number;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const message = (n: number) => ({
  type: "human",
  id: `m${n}`,
  content: `${n} ${Math.random()} `.padEnd(600, "words "),
});

console.log("| state | put, ms of CPU | serializing it, ms of CPU |\n| --- | --- | --- |");
for (const bytes of [10_000, 100_000, 1_000_000, 4_000_000]) {
  const saver = new DynamoDBSaver({ client: stubClient(), tableName: "stub" });
  const { serde } = new MemorySaver();
  const messages = Array.from({ length: Math.round(bytes / 640) }, (_, n) => message(n));
  let config: object = { configurable: { thread_id: "thread", checkpoint_ns: "" } };
  const [puts, dumps]: [number[], number[]] = [[], []];
  for (let n = 1; n <= PUTS; n++) {
    messages.push(message(messages.length));
    const id = `1f0${String(n).padStart(5, "0")}-0000-6000-8000-000000000000`;
    const versions = { messages: n };
    const checkpoint = { v: 4, id, ts: new Date().toISOString(), channel_values: { messages: [...messages] } };
    const whole = { ...checkpoint, channel_versions: versions, versions_seen: {} };
    let before = cpuMs();
    config = await saver.put(config, whole, { source: "loop", step: n, parents: {} }, versions);
    puts.push(cpuMs() - before);
    before = cpuMs();
    await serde.dumpsTyped(checkpoint);
    dumps.push(cpuMs() - before);
  }
  console.log(`| ${bytes / 1000} KB | ${median(puts).toFixed(2)} | ${median(dumps).toFixed(2)} |`);
}
