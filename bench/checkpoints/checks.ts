/**
 * Measures the check that a checkpoint's values would come back: a chat of 400 turns with the check and without it, in
 * alternating blocks of turns, on a stub of DynamoDB. Processor time of whole turns, the graph's own included.
 *
 *   npm --prefix bench run checks
 */
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { stubClient } from "./stub.ts";
import { ask, chat } from "./workload.ts";

const [TURNS, BLOCK] = [400, 10];
const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] as number;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function graph(isChecked: boolean) {
  const saver = new DynamoDBSaver({ client: stubClient(), tableName: "stub" });
  const { values } = saver as unknown as { values: { serde: { check(): Promise<void> } } };
  if (!isChecked) values.serde.check = async () => {};
  return chat(saver as unknown as BaseCheckpointSaver);
}

const graphs = { checked: graph(true), unchecked: graph(false) };
const blocks: { turn: number; checked: number; unchecked: number }[] = [];
for (let first = 1; first <= TURNS; first += BLOCK) {
  const block = { turn: first, checked: 0, unchecked: 0 };
  const order = blocks.length % 2 === 0 ? (["checked", "unchecked"] as const) : (["unchecked", "checked"] as const);
  for (const name of order) {
    const before = cpuMs();
    for (let turn = first; turn < first + BLOCK; turn++)
      await graphs[name].invoke(ask(turn) as never, { configurable: { thread_id: name }, durability: "async" });
    block[name] = (cpuMs() - before) / BLOCK;
  }
  blocks.push(block);
}

console.log(
  "| turns | a turn, ms of CPU | without the check | ratio of the blocks, median |\n| --- | --- | --- | --- |",
);
for (const [from, to] of [
  [1, 100],
  [101, 200],
  [201, 300],
  [301, 400],
] as const) {
  const some = blocks.filter(({ turn }) => turn >= from && turn <= to);
  const [checked, unchecked] = [median(some.map((one) => one.checked)), median(some.map((one) => one.unchecked))];
  const ratio = median(some.map((one) => one.checked / one.unchecked));
  console.log(`| ${from} to ${to} | ${checked.toFixed(2)} | ${unchecked.toFixed(2)} | ${ratio.toFixed(3)} |`);
}
