/** A sweep below a thread's floor: processes that have read what it deletes, and all that the latest state needs, come to no harm. */
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
  // The latest has bytes of the one before, which has bytes of the first: the first one goes.
  await put(writer, before, latest, { document: next, log: ["a", "b"] }, forked);
  const floor = { undone: [], floor: { fence: 1, root: latest } };
  expect(await writer.eraseOlder("t", floor)).toBe(true);
  for (const by of [writer, new DynamoDBSaver({ client, tableName: "t" })]) {
    expect((await by.getTuple(at(floor)))?.checkpoint.channel_values).toEqual({ document: next, log: ["a", "b"] });
    expect(await by.getDeltaChannelHistory({ config: at(floor), channels: ["log"] })).toEqual({ log: { writes: [] } });
  }
});

/**
 * A write that is a difference refers to the bytes that its checkpoint had: those of a long document are in a segment, those of a short one in the
 * head before.
 */
it.each([
  ["a segment", first],
  ["a head", first.slice(0, 3000)],
])("takes nothing that a pending write refers to in %s, whose checkpoint was put again", async (_where, document) => {
  const { client } = chargedTable();
  const saver = () => new DynamoDBSaver({ client, tableName: "t" });
  const writer = saver();
  const before = { undone: [], fence: 1 };
  await put(writer, before, root, { document });
  await put(writer, before, forked, { document, step: 1 }, root);
  await put(writer, before, latest, { document, step: 2 }, forked);
  const written = `${document} and more`;
  await writer.putWrites(at(before, latest), [["document", written]], "task");
  // Nothing but the write refers to the document now.
  await put(writer, before, latest, { document: second, step: 3 }, latest);

  const floor = { undone: [], floor: { fence: 1, root: latest } };
  expect(await saver().eraseOlder("t", floor)).toBe(true);
  const found = await saver().getTuple(at(floor));
  expect(found?.checkpoint.channel_values).toEqual({ document: second, step: 3 });
  expect(found?.pendingWrites).toEqual([["task", "document", written]]);
});

it.each([32, 36, 44])(
  "leaves a thread that can be copied, where heads that are kept for their bytes have lost their keyframe, after %i",
  async (count) => {
    const { client } = chargedTable();
    const saver = () => new DynamoDBSaver({ client, tableName: "t" });
    const of = (thread_id: string, incarnation: object, checkpoint_id?: string) => ({
      configurable: { thread_id, checkpoint_ns: "", checkpoint_id, ...incarnationConfig(incarnation as never) },
    });
    const ids = Array.from({ length: count }, (_, n) => uuid6(n));
    const writer = saver();
    let values: Record<string, string> = {};
    let versions: Record<string, number> = {};
    for (const [n, id] of ids.entries()) {
      const changed =
        n === 0 ? Array.from({ length: 60 }, (_, field) => field) : [0, 1, 2, 3].map((more) => (4 * n + more) % 60);
      values = {
        ...values,
        ...Object.fromEntries(changed.map((field) => [`field ${field}`, text(n + field).slice(0, 200)])),
      };
      versions = { ...versions, ...Object.fromEntries(changed.map((field) => [`field ${field}`, n])) };
      const checkpoint = { ...emptyCheckpoint(), channel_values: values, channel_versions: versions, id };
      const config = of("t", { id: "life", undone: [], fence: 1 }, ids[n - 1]);
      await writer.put(config, checkpoint, { source: "loop", step: n, parents: {} }, versions);
    }
    const floor = { id: "life", undone: [], floor: { fence: 1, root: ids.at(-1) as string } };
    expect(await saver().eraseOlder("t", floor)).toBe(true);
    const copied = { id: "copy", undone: [] };
    expect(await saver().copyThread(of("t", floor), of("copy", copied))).toBe(1);
    for (const config of [of("t", floor), of("copy", copied)])
      expect((await saver().getTuple(config))?.checkpoint.channel_values).toEqual(values);
  },
);
