/** What a sweep below a thread's floor may not do to a process that has read what is deleted. */
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, incarnationConfig } from "@tenure/core/checkpoint";
import { expect, it } from "vitest";
import { chargedTable } from "../support/stores/charged-table.ts";

const text = (seed: number) => Array.from({ length: 4000 }, (_, n) => (n * seed * 7919) % 9973).join(" ");
const [root, forked, latest, later] = [1, 2, 3, 4].map((n) => uuid6(n)) as [string, string, string, string];
/** Each is stored in a segment of its own. */
const [first, second, third] = [text(3), text(5), text(7)] as [string, string, string];

const at = (incarnation: object, id?: string) => ({
  configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: id, ...incarnationConfig(incarnation as never) },
});
const put = (by: DynamoDBSaver, incarnation: object, id: string, values: Record<string, unknown>, parent?: string) => {
  const versions = Object.fromEntries(Object.keys(values).map((name) => [name, id]));
  const checkpoint = { ...emptyCheckpoint(), channel_values: values, channel_versions: versions, id };
  return by.put(at(incarnation, parent), checkpoint, { source: "loop", step: 0, parents: {} }, versions);
};

it("gives the name of no segment that a process has in memory to other bytes", async () => {
  const { client } = chargedTable();
  const saver = () => new DynamoDBSaver({ client, tableName: "t" });
  const [writer, reader] = [saver(), saver()];
  const before = { undone: [], fence: 1 };
  await put(writer, before, root, { document: first });
  const fork = await put(writer, before, forked, { document: first + second }, root);
  expect((await reader.getTuple(fork))?.checkpoint.channel_values).toEqual({ document: first + second });
  // The latest goes on from the first one: nothing refers to the segment of the fork.
  await put(writer, before, latest, { document: first }, root);

  const floor = { undone: [], floor: { fence: 1, root: latest } };
  expect(await writer.eraseOlder("t", floor)).toBe(true);
  const after = { ...floor, fence: 2 };
  await put(writer, after, later, { document: first + third }, latest);
  for (const by of [reader, writer, saver()])
    expect((await by.getTuple(at(floor)))?.checkpoint.channel_values).toEqual({ document: first + third });
});

it("leaves a history of writes that is none for what the latest state has whole, and no damage", async () => {
  const { client } = chargedTable();
  const writer = new DynamoDBSaver({ client, tableName: "t" });
  const before = { undone: [], fence: 1 };
  const [own, next] = [first.slice(0, 1000), second.slice(0, 1000)];
  await put(writer, before, root, { document: own });
  await put(writer, before, forked, { document: own + next, log: ["a"] }, root);
  // It has bytes of the one before, which has bytes of the first: that one goes.
  await put(writer, before, latest, { document: next, log: ["a", "b"] }, forked);
  const floor = { undone: [], floor: { fence: 1, root: latest } };
  expect(await writer.eraseOlder("t", floor)).toBe(true);
  for (const by of [writer, new DynamoDBSaver({ client, tableName: "t" })]) {
    expect((await by.getTuple(at(floor)))?.checkpoint.channel_values).toEqual({ document: next, log: ["a", "b"] });
    expect(await by.getDeltaChannelHistory({ config: at(floor), channels: ["log"] })).toEqual({ log: { writes: [] } });
  }
});
