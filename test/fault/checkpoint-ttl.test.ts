/** A thread that lives for many TTLs, and a deleter that takes every expired item as soon as it may. */
import { BatchWriteCommand, DeleteCommand, GetCommand, PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, openTable, type TestTable } from "../support/stores/dynamo.ts";

const TTL = 60 * 60_000;
const MINUTE = 60_000;

describe.each(dynamoEngines)("expiry of checkpoints on $name", ({ open }) => {
  let table: TestTable;
  let now = Date.now() + 365 * 24 * 60 * MINUTE;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  /** Deletes expired items, as DynamoDB may at any moment after their expiry, and does within days; resolves to their number. */
  async function deleteExpired(): Promise<number> {
    const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.tableName }));
    const gone = Items.filter(({ expiresAt }) => typeof expiresAt === "number" && expiresAt * 1000 <= now);
    for (let at = 0; at < gone.length; at += 25) {
      const requests = gone.slice(at, at + 25).map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }));
      await table.client.send(new BatchWriteCommand({ RequestItems: { [table.tableName]: requests } }));
    }
    return gone.length;
  }

  it.each([
    ["deleted at once", 1, 0],
    ["deleted now and then", 9, 0],
    ["never deleted", Infinity, 0],
    ["deleted at once, of many channels", 1, 60],
    ["deleted now and then, of many channels", 9, 60],
  ])("tears no thread and returns nothing that is past: %s", async (_name, every, width) => {
    const newSaver = () =>
      new DynamoDBSaver({ client: table.client, tableName: table.tableName, ttlMs: TTL, clock: { now: () => now } });
    const thread = { thread_id: `ttl-${every}-${width}`, checkpoint_ns: "" };
    // Heads of so many channels are differences to one before.
    const many = Object.fromEntries(Array.from({ length: width }, (_, n) => [`field_${n}`, `value ${n}`]));
    const versions = Object.fromEntries(Object.keys(many).map((name) => [name, 1]));
    let saver = newSaver();
    let config: Parameters<DynamoDBSaver["put"]>[0] = { configurable: thread };
    const put: { id: string; at: number; messages: string[] }[] = [];
    let deleted = 0;
    let messages: string[] = [];
    // Most steps follow one another; every so often the thread is idle for nearly its TTL.
    for (let i = 0; i < sized(40, 80); i++) {
      now += i % 13 === 12 ? TTL - 2000 : 3 * MINUTE;
      if (i % every === 0) deleted += await deleteExpired();
      if (i % 10 === 0) saver = newSaver();
      const latest = await saver.getTuple({ configurable: thread });
      expect(latest?.checkpoint.channel_values).toEqual(
        i === 0 ? undefined : { messages, document: "d".repeat(20_000), ...many },
      );
      messages = [...messages, `message ${i} ${"lorem ipsum ".repeat(30)}`];
      const id = `1f0c${String(i).padStart(4, "0")}-0000-6000-8000-000000000000`;
      const checkpoint = {
        ...{ v: 4, id, ts: new Date(now).toISOString(), versions_seen: {} },
        channel_values: { messages, document: "d".repeat(20_000), ...many },
        channel_versions: { messages: i, document: 1, ...versions },
      };
      const metadata = { source: "loop", step: i, parents: {} } as CheckpointMetadata;
      config = await saver.put(config, checkpoint, metadata, checkpoint.channel_versions);
      put.push({ id, at: now, messages });
    }
    expect(deleted > 0).toBe(every < Infinity);

    const listed = [];
    for await (const { checkpoint } of newSaver().list({ configurable: thread })) listed.push(checkpoint);
    const live = put.filter(({ at }) => now < Math.ceil((at + TTL) / 1000) * 1000).reverse();
    expect(listed.map(({ id }) => id)).toEqual(live.map(({ id }) => id));
    expect(live.length).toBeLessThan(put.length);
    for (const [i, { channel_values }] of listed.entries()) expect(channel_values.messages).toEqual(live[i]?.messages);

    now += TTL + 2000;
    expect(await newSaver().getTuple({ configurable: thread })).toBe(undefined);
    now += TTL;
    if (every < Infinity) {
      await deleteExpired();
      const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.tableName }));
      expect(Items.filter(({ pk }) => pk === `checkpoint#${thread.thread_id}`)).toEqual([]);
    }
  });

  it("is put again for longer beside a pending write that is damaged", async () => {
    const newSaver = () => new DynamoDBSaver({ ...table, ttlMs: TTL, clock: { now: () => now } });
    const thread = { thread_id: "longer", checkpoint_ns: "" };
    const config = { configurable: { ...thread, checkpoint_id: "1" } };
    const document = Array.from({ length: 4000 }, (_, n) => (n * 7919) % 9973).join(" ");
    const checkpoint = { v: 4, id: "1", ts: "", channel_versions: { document: 1 }, versions_seen: {} };
    const about = { source: "loop", step: 0, parents: {} } as const;
    const saver = newSaver();
    await saver.put({ configurable: thread }, { ...checkpoint, channel_values: { document } }, about, { document: 1 });
    for (const task of ["damaged", "whole"]) await saver.putWrites(config, [["document", `${document} ${task}`]], task);
    // More writes than one item holds apart are in a pack.
    const many = Array.from({ length: 60 }, (_, n): [string, unknown] => ["document", `${document} ${n}`]);
    await saver.putWrites(config, many, "packed");
    const keys = ["damaged", "packed"].map((task) => ({ pk: "checkpoint#longer", sk: `writes##1#${task}` }));
    for (const Key of keys) {
      const { Item } = await table.client.send(new GetCommand({ TableName: table.tableName, Key }));
      const [{ w0, pack }, rubbish] = [Item as { w0?: unknown[]; pack?: unknown }, Buffer.from("rubbish")];
      const damaged = pack === undefined ? { w0: [...(w0 ?? []).slice(0, 2), rubbish] } : { pack: rubbish };
      await table.client.send(new PutCommand({ TableName: table.tableName, Item: { ...Item, ...damaged } }));
    }
    const longer = { configurable: { ...config.configurable, ttl_ms: 10 * TTL } };
    await newSaver().put(longer, { ...checkpoint, channel_values: { document: "short" } }, about, { document: 2 });
    // The damage is told where it is, and the others are whole once it is gone.
    await expect(newSaver().getTuple(config)).rejects.toThrow(/writes of task (damaged|packed)/);
    for (const Key of keys) await table.client.send(new DeleteCommand({ TableName: table.tableName, Key }));
    const written = [["whole", "document", `${document} whole`]];
    expect((await newSaver().getTuple(config))?.pendingWrites).toEqual(written);
    now += 9 * TTL;
    await deleteExpired();
    const tuple = await newSaver().getTuple({ configurable: thread });
    expect(tuple?.checkpoint.channel_values).toEqual({ document: "short" });
  });

  it("keeps a call's own lifetime", async () => {
    const saver = new DynamoDBSaver({ ...table, ttlMs: TTL, clock: { now: () => now } });
    const config = { configurable: { thread_id: "own", checkpoint_ns: "", ttl_ms: 10 * TTL } };
    const checkpoint = { v: 4, id: "1", ts: "", channel_values: {}, channel_versions: {}, versions_seen: {} };
    await saver.put(config, checkpoint, { source: "input", step: -1, parents: {} }, {});
    now += 9 * TTL;
    expect((await saver.getTuple(config))?.checkpoint.id).toBe("1");
    now += 2 * TTL;
    expect(await saver.getTuple(config)).toBe(undefined);
    await expect(
      saver.put({ configurable: { ...config.configurable, ttl_ms: 0 } }, checkpoint, {} as never, {}),
    ).rejects.toThrow(/ttl_ms must be a number above 0/);
  });
});

/** DynamoDB Local sweeps by the machine's clock, which no test can move; what it does is done to it above. */
describe("expiry of checkpoints before dynalite's sweeper", () => {
  it("goes on while the sweeper takes what has expired", async () => {
    let now = Date.UTC(2030, 0, 1);
    const clock = { now: () => now };
    const local = await startLocalDynamo(clock);
    const own = await openTable(local.url);
    const newSaver = () => new DynamoDBSaver({ ...own, ttlMs: TTL, clock });
    const thread = { thread_id: "swept", checkpoint_ns: "" };
    let saver = newSaver();
    let messages: string[] = [];
    const items = async () => (await own.client.send(new ScanCommand({ TableName: own.tableName }))).Items ?? [];
    let taken = 0;
    for (let i = 0; i < 26; i++) {
      now += i % 6 === 5 ? 0.75 * TTL : 0.25 * TTL;
      await local.sweep();
      if (i % 5 === 0) saver = newSaver();
      const latest = await saver.getTuple({ configurable: thread });
      expect(latest?.checkpoint.channel_values).toEqual(i === 0 ? undefined : { messages });
      messages = [...messages, `message ${i} ${"lorem ipsum ".repeat(60)}`];
      const id = `1f0c${String(i).padStart(4, "0")}-0000-6000-8000-000000000000`;
      const config = { configurable: { ...thread, ...(latest && { checkpoint_id: latest.checkpoint.id }) } };
      const checkpoint = {
        v: 4,
        id,
        ts: "",
        channel_values: { messages },
        channel_versions: { messages: i },
        versions_seen: {},
      };
      await saver.put(config, checkpoint, { source: "loop", step: i, parents: {} } as CheckpointMetadata, {
        messages: i,
      });
      taken = Math.max(taken, i + 1 - (await items()).filter(({ sk }) => sk.startsWith("head")).length);
    }
    expect(taken).toBeGreaterThan(0);
    await own.close();
    await local.close();
  });
});
