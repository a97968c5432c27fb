/** Pending writes that are stored as differences to their checkpoint come back whole, whatever becomes of the checkpoint. */
import { randomBytes } from "node:crypto";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, type DynamoDBSaverOptions } from "@tenure/core/checkpoint";
import { Table } from "@tenure/core/dynamo";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const noise = (bytes: number) => randomBytes(bytes).toString("base64").slice(0, bytes);

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  let threads = 0;
  const saverWith = (options: Partial<DynamoDBSaverOptions> = {}) =>
    new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...options });
  const thread = (id = `differences-${threads++}`) => ({ configurable: { thread_id: id, checkpoint_ns: "" } });
  const put = (saver: DynamoDBSaver, on: object, channel_values: Record<string, unknown>, id: string) =>
    saver.put(
      on,
      { ...emptyCheckpoint(), id, channel_values, channel_versions: { messages: id, document: id } },
      { source: "loop", step: 0, parents: {} },
      { messages: id, document: id },
    );
  const bytesOfWrites = async (saver: DynamoDBSaver, id: string) => {
    const { kinds } = await saver.inspect(id);
    return kinds.writes.bytes + kinds.blobs.bytes;
  };

  it.each<[string, () => Partial<DynamoDBSaverOptions>]>([
    ["as it is", () => ({})],
    ["encrypted", () => ({ encryption: { keys: { k1: Buffer.alloc(32, 1) }, current: "k1" } })],
  ])("a write that repeats the state is small, and a fresh saver reads it: %s", async (_, options) => {
    const [saver, at] = [saverWith(options()), thread()];
    const state = { messages: Array.from({ length: 40 }, () => noise(600)), document: noise(30_000) };
    const config = await put(saver, at, state, uuid6(1));
    const send = { node: "tools", args: { ...state, call: "lookup" } };
    const edited = `${state.document.slice(0, 9000)}edited${state.document.slice(9010)}`;
    await saver.putWrites(
      config,
      [
        ["__pregel_tasks", send],
        ["document", edited],
      ],
      "task",
    );
    expect(await bytesOfWrites(saver, at.configurable.thread_id)).toBeLessThan(2000);
    for (const cacheBytes of [1, 64_000_000]) {
      const tuple = await saverWith({ ...options(), cacheBytes }).getTuple(at);
      expect(tuple?.pendingWrites).toEqual([
        ["task", "__pregel_tasks", send],
        ["task", "document", edited],
      ]);
    }
  });

  it("comes back after the checkpoint was put again with other values", async () => {
    const [saver, at, id] = [saverWith(), thread(), uuid6(1)];
    const state = { messages: [noise(5000)], document: noise(30_000) };
    const before = await put(saver, at, { messages: [], document: state.document.slice(0, 9000) }, uuid6(0));
    const config = await put(saver, before, state, id);
    await saver.putWrites(
      config,
      [
        ["document", `${state.document}!`],
        ["messages", [...state.messages, "more"]],
      ],
      "task",
    );
    await put(saver, before, { messages: ["gone"], document: noise(20_000) }, id);
    for (const reader of [saver, saverWith(), saverWith({ cacheBytes: 1 })]) {
      const tuple = await reader.getTuple(at);
      expect(tuple?.checkpoint.channel_values.messages).toEqual(["gone"]);
      expect(tuple?.pendingWrites).toEqual([
        ["task", "document", `${state.document}!`],
        ["task", "messages", [...state.messages, "more"]],
      ]);
    }
  });

  it("comes back where its checkpoint was put again and refers to nothing of before, and from a copy of that thread", async () => {
    const [saver, at, copy, id] = [saverWith(), thread(), thread(), uuid6(1)];
    // The first has its document in its head, and the second, larger one in a stored segment.
    for (const [n, bytes] of [3000, 30_000].entries()) {
      const [own, target] = [
        thread(`${at.configurable.thread_id}-${n}`),
        thread(`${copy.configurable.thread_id}-${n}`),
      ];
      const document = noise(bytes);
      const root = await put(saver, own, { document }, uuid6(0));
      const config = await put(saver, root, { document, messages: [] }, id);
      await saver.putWrites(config, [["document", `${document}!`]], "task");
      await put(saver, root, { messages: [1, 2, 3] }, id);
      const wanted = [["task", "document", `${document}!`]];
      for (const reader of [saver, saverWith(), saverWith({ cacheBytes: 1 })])
        expect((await reader.getTuple(own))?.pendingWrites).toEqual(wanted);
      await saver.copyThread(own, target);
      await saver.deleteThread(own.configurable.thread_id);
      expect((await saverWith().getTuple(target))?.pendingWrites).toEqual(wanted);
    }
  });

  it("lives as long as its checkpoint, which was put again when what it refers to was about to go", async () => {
    const DAY = 24 * 60 * 60 * 1000;
    const START = Date.UTC(2030, 0, 1);
    let now = START;
    const saverAt = () => saverWith({ ttlMs: 30 * DAY, clock: { now: () => now } });
    const [saver, at, id] = [saverAt(), thread(), uuid6(1)];
    const document = noise(30_000);
    const root = await put(saver, at, { document }, uuid6(0));
    now = START + 25 * DAY;
    const config = await put(saver, root, { document, messages: [] }, id);
    const many = Array.from({ length: 60 }, (_, n): [string, unknown] => ["messages", n]);
    await saver.putWrites(config, [["document", `${document}!`]], "task-1");
    await saver.putWrites(config, [...many, ["document", `${document}?`]], "task-2");
    now = START + 35 * DAY;
    await put(saver, config, { document, messages: [1] }, id);
    for (const day of [59, 61, 64]) {
      now = START + day * DAY;
      // Expired items are deleted, as DynamoDB does.
      await deleteExpired(at.configurable.thread_id, now);
      const writes = (await saverAt().getTuple(at))?.pendingWrites ?? [];
      expect([day, writes.length, writes[0], writes.at(-1)]).toEqual([
        ...[day, 62, ["task-1", "document", `${document}!`]],
        ["task-2", "document", `${document}?`],
      ]);
    }
  });

  async function deleteExpired(threadId: string, now: number): Promise<void> {
    const all = new Table({ client: table.client, tableName: table.tableName, clock: { now: () => now } });
    const gone = [];
    for await (const { pk, sk, expiresAt } of all.query({ pk: `checkpoint#${threadId}`, withExpired: true }))
      if (typeof expiresAt === "number" && expiresAt * 1000 < now) gone.push({ pk, sk });
    await all.deleteAll(gone);
  }

  it("is copied with its thread, and is whole beside a run that was rolled back", async () => {
    const [saver, at, copy] = [saverWith(), thread(), thread()];
    const state = { messages: [noise(5000)], document: noise(30_000) };
    const config = await put(saver, at, state, uuid6(1));
    const by = (run_id: string) => ({ configurable: { ...config.configurable, run_id } });
    await saver.putWrites(by("kept"), [["document", `${state.document}!`]], "task-1");
    await saver.putWrites(by("undone"), [["document", `${state.document}?`]], "task-2");
    await saver.copyThread(at, copy);
    const wanted = [
      ["task-1", "document", `${state.document}!`],
      ["task-2", "document", `${state.document}?`],
    ];
    expect((await saverWith().getTuple(copy))?.pendingWrites).toEqual(wanted);
    await saver.deleteRun(at.configurable.thread_id, "undone");
    expect((await saverWith().getTuple(at))?.pendingWrites).toEqual(wanted.slice(0, 1));
  });

  it("is whole where its checkpoint is put later, or never", async () => {
    const [saver, at, id] = [saverWith(), thread(), uuid6(1)];
    const state = { messages: [noise(5000)], document: noise(30_000) };
    const writing = saver.putWrites(
      { configurable: { ...at.configurable, checkpoint_id: id } },
      [["document", `${state.document}!`]],
      "task",
    );
    await put(saver, at, state, id);
    await writing;
    expect(await bytesOfWrites(saver, at.configurable.thread_id)).toBeLessThan(2000);
    expect((await saverWith().getTuple(at))?.pendingWrites).toEqual([["task", "document", `${state.document}!`]]);
    const never = thread();
    await saver.putWrites(
      { configurable: { ...never.configurable, checkpoint_id: id } },
      [["document", noise(9000)]],
      "task",
    );
    expect(await bytesOfWrites(saver, never.configurable.thread_id)).toBeGreaterThan(6000);
  });
});
