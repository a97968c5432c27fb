/** Crashes, expiry, damage and size: what the validation suite does not ask of a checkpointer. */

import { BatchWriteCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { Checkpoint, CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dyingClient } from "../support/stores/dying-client.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const metadata: CheckpointMetadata = { source: "loop", step: 0, parents: {} };
const checkpoint = (id: string, values: Record<string, unknown>): Checkpoint => ({
  v: 4,
  id,
  ts: "2026-01-01T00:00:00.000Z",
  channel_values: values,
  channel_versions: Object.fromEntries(Object.keys(values).map((name) => [name, 1])),
  versions_seen: {},
});
const random = (bytes: number) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65536))))
    .toString("base64")
    .repeat(Math.ceil(bytes / 65536 / 1.33));
let threads = 0;
const newThread = () => ({ configurable: { thread_id: `thread-${threads++}`, checkpoint_ns: "" } });
const put = (saver: DynamoDBSaver, config: object, id: string, values: Record<string, unknown>) =>
  saver.put(config, checkpoint(id, values), metadata, Object.fromEntries(Object.keys(values).map((name) => [name, 1])));

describe.each(dynamoEngines)("DynamoDBSaver on $name", ({ open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  const saverOn = (options: Partial<ConstructorParameters<typeof DynamoDBSaver>[0]> = {}) =>
    new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...options });

  it.each([10, 200_000, 1_000_000])("keeps a checkpoint with a value of %i bytes", async (bytes) => {
    const config = newThread();
    const value = random(bytes);
    await put(saverOn(), config, "1", { value });
    expect((await saverOn().getTuple(config))?.checkpoint.channel_values).toEqual({ value });
  });

  it("keeps pending writes of any number and size, whole and in order", async () => {
    const config = { configurable: { ...newThread().configurable, checkpoint_id: "1" } };
    await put(saverOn(), newThread(), "0", {});
    await saverOn().put(
      { configurable: { ...config.configurable, checkpoint_id: undefined } },
      checkpoint("1", {}),
      metadata,
      {},
    );
    const many = Array.from({ length: 300 }, (_, i): [string, unknown] => [`channel-${i}`, { i }]);
    const large = Array.from({ length: 12 }, (_, i): [string, unknown] => [`large-${i}`, random(50_000)]);
    await saverOn().putWrites(config, large, "task-b");
    await saverOn().putWrites(config, many, "task-a");
    const tuple = await saverOn().getTuple(config);
    expect(tuple?.pendingWrites?.map(([, channel, value]) => [channel, value])).toEqual([...many, ...large]);
  });

  it("keeps the first of a task's regular writes, and the last of its special ones", async () => {
    const config = await put(saverOn(), newThread(), "1", {});
    const saver = saverOn();
    await saver.putWrites(config, [["channel", "first"]], "task");
    await saver.putWrites(config, [["__interrupt__", "asked"]], "task");
    await saver.putWrites(config, [["channel", "second"]], "task");
    await saver.putWrites(config, [["__interrupt__", "asked again"]], "task");
    const writes = (await saver.getTuple(config))?.pendingWrites ?? [];
    expect(writes.map(([, channel, value]) => [channel, value]).sort()).toEqual([
      ["__interrupt__", "asked again"],
      ["channel", "first"],
    ]);
  });

  it("tells namespaces and ids apart, whatever is in them", async () => {
    const { thread_id } = newThread().configurable;
    const names = ["", "a", "a#b", "a%23b", "a:1|b:2", "#", "é"];
    for (const [i, checkpoint_ns] of names.entries())
      await put(saverOn(), { configurable: { thread_id, checkpoint_ns } }, `id#${i}`, { i });
    for (const [i, checkpoint_ns] of names.entries()) {
      const tuple = await saverOn().getTuple({ configurable: { thread_id, checkpoint_ns } });
      expect([tuple?.checkpoint.id, tuple?.config.configurable?.checkpoint_ns]).toEqual([`id#${i}`, checkpoint_ns]);
    }
    const listed = [];
    for await (const { config } of saverOn().list({ configurable: { thread_id } }))
      listed.push(config.configurable?.checkpoint_ns);
    expect(listed.sort()).toEqual(names.sort());
  });

  it.each(["before", "after"] as const)("is never torn by a crash %s any of its requests", async (when) => {
    for (let diesAt = 1; diesAt <= 9; diesAt++) {
      const config = newThread();
      const old = { value: random(600_000) };
      const first = await put(saverOn(), config, "1", old);
      const fresh = { value: random(700_000) };
      const dying = saverOn({ client: dyingClient(table.client, diesAt, when) });
      const outcome = await put(dying, first, "2", fresh).then(
        () => "done",
        () => "died",
      );
      const tuple = await saverOn().getTuple(config);
      expect([
        { id: "1", values: old },
        { id: "2", values: fresh },
      ]).toContainEqual({
        id: tuple?.checkpoint.id,
        values: tuple?.checkpoint.channel_values,
      });
      if (outcome === "done") expect(tuple?.checkpoint.id).toBe("2");
    }
  });

  it("never returns what has expired, deleted or not, and returns what has not", async () => {
    let now = Date.now();
    const saver = saverOn({ ttlMs: 60_000, clock: { now: () => now } });
    const config = newThread();
    const first = await put(saver, config, "1", { value: "old" });
    now += 40_000;
    await put(saver, first, "2", { value: random(400_000) });
    await saver.putWrites(first, [["channel", 1]], "task");
    now += 30_000;
    const ids = async () => {
      const found = [];
      for await (const { checkpoint } of saver.list(config)) found.push(checkpoint.id);
      return found;
    };
    expect([await ids(), (await saver.getTuple(config))?.checkpoint.id]).toEqual([["2"], "2"]);
    expect(await saver.getTuple(first)).toBeUndefined();
    now += 31_000;
    expect([await ids(), await saver.getTuple(config)]).toEqual([[], undefined]);
  });

  it("says what is damaged instead of returning a wrong value", async () => {
    const config = newThread();
    await put(saverOn(), config, "1", { value: random(600_000) });
    const pk = `checkpoint#${config.configurable.thread_id}`;
    const { Items = [] } = await table.client.send(
      new QueryCommand({
        TableName: table.tableName,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :segments)",
        ExpressionAttributeValues: { ":pk": pk, ":segments": "segment#" },
      }),
    );
    expect(Items.length).toBeGreaterThan(0);
    const DeleteRequest = { Key: { pk, sk: Items[0]?.sk } };
    await table.client.send(new BatchWriteCommand({ RequestItems: { [table.tableName]: [{ DeleteRequest }] } }));
    await expect(saverOn().getTuple(config)).rejects.toMatchObject({
      reason: { tag: "store-corrupt", what: expect.stringContaining("checkpoint 1 of thread") },
    });
  });

  it("deletes a thread whole, and no other", async () => {
    const [gone, kept] = [newThread(), newThread()];
    for (const config of [gone, kept]) {
      const put1 = await put(saverOn(), config, "1", { value: random(800_000) });
      await saverOn().putWrites(put1, [["channel", 1]], "task");
    }
    await saverOn().deleteThread(gone.configurable.thread_id);
    await saverOn().deleteThread(gone.configurable.thread_id);
    const left = await table.client.send(
      new QueryCommand({
        TableName: table.tableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": `checkpoint#${gone.configurable.thread_id}` },
      }),
    );
    expect(left.Items).toEqual([]);
    expect((await saverOn().getTuple(kept))?.pendingWrites).toHaveLength(1);
  });

  it("does not let a late write bring a deleted thread back, and lets it begin anew", async () => {
    const config = newThread();
    const late = saverOn();
    const first = await put(late, config, "1", { value: "old" });
    await saverOn().deleteThread(config.configurable.thread_id);
    const ids = async () => {
      const found = [];
      for await (const { checkpoint } of saverOn().list(config)) found.push(checkpoint.id);
      return found;
    };
    // The first saver has the parent in memory, the second has not.
    await put(late, first, "2", { value: "late" });
    await put(saverOn(), first, "3", { value: "late" });
    await late.putWrites(first, [["channel", 1]], "task");
    expect([await saverOn().getTuple(config), await late.getTuple(config), await ids()]).toEqual([
      undefined,
      undefined,
      [],
    ]);
    const anew = await put(saverOn(), config, "4", { value: "new" });
    await put(late, anew, "5", { value: "newer" });
    expect([(await saverOn().getTuple(config))?.checkpoint.channel_values, await ids()]).toEqual([
      { value: "newer" },
      ["5", "4"],
    ]);
  });

  it("refuses a checkpoint above 16 MB before anything is written, and names the channel", async () => {
    const config = newThread();
    const huge = { small: "x", huge: "x".repeat(17 * 1024 * 1024) };
    await expect(put(saverOn(), config, "1", huge)).rejects.toMatchObject({
      reason: { tag: "invalid-input", issues: [expect.stringMatching(/channel huge alone has 178\d+/)] },
    });
    expect(await saverOn().getTuple(config)).toBe(undefined);
  });

  it("stores a checkpoint once when its request is sent twice", async () => {
    const config = newThread();
    const twice = new Proxy(table.client, {
      get(target, name) {
        if (name !== "send") return Reflect.get(target, name);
        return async (...args: Parameters<typeof target.send>) => {
          await target.send(...args);
          return target.send(...args);
        };
      },
    });
    const first = await put(saverOn({ client: twice }), config, "1", { value: random(600_000) });
    await put(saverOn({ client: twice }), first, "2", { value: random(10) });
    const found = [];
    for await (const { checkpoint } of saverOn().list(config)) found.push(checkpoint.id);
    expect(found).toEqual(["2", "1"]);
  });

  it("tells what a thread takes up, and which of its checkpoints are damaged", async () => {
    const config = newThread();
    const saver = saverOn({ ttlMs: 60_000, clock: { now: () => 1_900_000_000_000 } });
    const first = await put(saver, config, "1", { text: "x", large: random(600_000) });
    const second = await put(saver, first, "2", { text: "y", large: random(10) });
    await saver.putWrites(second, [["text", "z"]], "task");
    const report = await saver.inspect(config.configurable.thread_id);
    expect(report).toMatchObject({
      kinds: { heads: { items: 2 }, segments: { items: 3 }, writes: { items: 1 }, blobs: { items: 0 } },
      oldestExpiry: 1_900_000_120,
      checkpoints: [{ id: "1" }, { id: "2" }],
      damaged: [],
    });
    expect(report.kinds.segments.bytes).toBeGreaterThan(400_000);
    expect(report.channels.map(({ name, segments }) => [name, segments])).toEqual([
      ["text", 0],
      ["large", 0],
    ]);
    const Item = { pk: `checkpoint#${config.configurable.thread_id}`, sk: "head##3", d: new Uint8Array(9) };
    await table.client.send(new PutCommand({ TableName: table.tableName, Item }));
    expect((await saver.inspect(config.configurable.thread_id)).damaged).toEqual(["3"]);
    expect(await saver.inspect("no such thread")).toMatchObject({ checkpoints: [], channels: [] });
  });

  it("says what a config lacks", async () => {
    await expect(put(saverOn(), { configurable: {} }, "1", {})).rejects.toThrow(/configurable\.thread_id/);
    await expect(saverOn().putWrites(newThread(), [["c", 1]], "t")).rejects.toThrow(/configurable\.checkpoint_id/);
    await expect(saverOn().getTuple({ configurable: { thread_id: 7 } })).rejects.toThrow(/must be a string/);
  });
});
