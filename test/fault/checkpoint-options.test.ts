/** Encryption, segments in S3, the index of threads, and lists that go on past what is damaged. */
import { randomBytes } from "node:crypto";
import { PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { type DamagedTuple, DynamoDBSaver, type DynamoDBSaverOptions } from "@tenure/core/checkpoint";
import { Table, tableDefinition } from "@tenure/core/dynamo";
import { S3Blobs } from "@tenure/core/s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { s3Server } from "../support/stores/found.ts";
import { openS3, type TestS3 } from "../support/stores/s3.ts";

const metadata: CheckpointMetadata = { source: "loop", step: 0, parents: {} };
const noise = (bytes: number) => randomBytes(bytes).toString("base64");
const thread = (thread_id: string, checkpoint_id?: string) => ({
  configurable: { thread_id, checkpoint_ns: "", ...(checkpoint_id && { checkpoint_id }) },
});

async function put(saver: DynamoDBSaver, thread_id: string, ids: string[], values: Record<string, unknown>[]) {
  for (const [i, id] of ids.entries()) {
    const channel_values = values[i] ?? {};
    const versions = Object.fromEntries(Object.keys(channel_values).map((name) => [name, i + 1]));
    const checkpoint = { v: 4, id, ts: "", channel_values, channel_versions: versions, versions_seen: {} };
    await saver.put(thread(thread_id, ids[i - 1]), checkpoint, metadata, versions);
  }
}

async function listed(saver: DynamoDBSaver, config: object) {
  const found = [];
  for await (const tuple of saver.list(config)) found.push(tuple);
  return found;
}

describe.each(dynamoEngines)("DynamoDBSaver on $name", ({ open }) => {
  let table: TestTable;
  let s3: TestS3;
  beforeAll(async () => {
    table = await open();
    if (s3Server) s3 = await openS3();
  });
  afterAll(async () => {
    await table.close();
    await s3?.close();
  });
  const saverWith = (options: Partial<DynamoDBSaverOptions> = {}) =>
    new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...options });
  async function items(thread_id: string): Promise<Record<string, unknown>[]> {
    const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.tableName }));
    return Items.filter(({ pk }) => pk === `checkpoint#${thread_id}`);
  }

  describe("encrypting", () => {
    const [k1, k2] = [randomBytes(32), randomBytes(32)];
    const old = { keys: { k1 }, current: "k1" };
    const rotated = { keys: { k1, k2 }, current: "k2" };
    const grown = (secret: string) => [{ text: secret }, { text: `${secret} and more, ${noise(20_000)}` }];

    it("leaves no plain text in the table, and reads on after a rotation", async () => {
      const secret = `SECRET-${noise(200)}`;
      const values = grown(secret);
      await put(saverWith({ encryption: old }), "sealed", ["1", "2"], values);
      await saverWith({ encryption: old }).putWrites(thread("sealed", "2"), [["text", secret]], "task");
      const stored = (await items("sealed")).flatMap((item) => Object.values(item).flat());
      const bytes = stored.map((one) =>
        one instanceof Uint8Array ? Buffer.from(one).toString("latin1") : String(one),
      );
      expect(bytes.join()).not.toContain("SECRET");

      const saver = saverWith({ encryption: rotated });
      const third = { text: `${values[1]?.text} and again` };
      const checkpoint = {
        v: 4,
        id: "3",
        ts: "",
        channel_values: third,
        channel_versions: { text: 3 },
        versions_seen: {},
      };
      await saver.put(thread("sealed", "2"), checkpoint, metadata, { text: 3 });
      const read = await listed(saverWith({ encryption: rotated }), thread("sealed"));
      expect(read.map(({ checkpoint }) => checkpoint.channel_values)).toEqual([third, ...values.toReversed()]);
      expect(read[1]?.pendingWrites).toEqual([["task", "text", secret]]);
      // The value that was there is referred to, not written again.
      const { kinds, checkpoints } = await saver.inspect("sealed");
      expect([kinds.segments.items, (checkpoints.at(-1)?.bytes ?? 0) < 700]).toEqual([1, true]);
    });

    it.each([
      ["without keys", undefined, /has no encryption keys/],
      ["without the key", { keys: { k2 }, current: "k2" }, /encrypted with key k1/],
    ])("says so when it is read %s", async (_, encryption, message) => {
      await put(saverWith({ encryption: old }), "locked", ["1"], [{ text: "x" }]);
      const saver = saverWith(encryption && { encryption });
      await expect(saver.getTuple(thread("locked"))).rejects.toThrow(message);
    });

    it("does not open what was moved to another place", async () => {
      await put(saverWith({ encryption: old }), "moved", ["1", "2"], [{ text: "one" }, { text: "two" }]);
      const [first] = await items("moved");
      const Item = { ...first, sk: String(first?.sk).replace(/1$/, "2") };
      await table.client.send(new PutCommand({ TableName: table.tableName, Item }));
      await expect(saverWith({ encryption: old }).getTuple(thread("moved"))).rejects.toMatchObject({
        reason: { tag: "store-corrupt", what: "checkpoint 2 of thread moved" },
      });
    });

    it("refuses keys that are none", () => {
      expect(() => saverWith({ encryption: { keys: { short: randomBytes(16) }, current: "k" } })).toThrow(
        /encryption key short must have 32 bytes, not 16.*encryption key k, the current one, is not among/s,
      );
    });
  });

  describe.skipIf(!s3Server)("with segments in S3", () => {
    const blobs = () => ({ store: new S3Blobs(s3) });

    it("keeps large ones there, reads them, and deletes them with their thread", async () => {
      const values = [{ text: noise(60_000) }, { text: "small" }, { text: noise(300_000) }];
      await put(saverWith({ blobs: blobs(), ttlMs: 36 * 60 * 60_000 }), "objects", ["1", "2", "3"], values);
      const keys = await s3.keys();
      expect(keys.length).toBe(3);
      for (const key of keys) expect(key).toMatch(/^3d\/[\w-]{22}\/[\w-]{16}$/);
      expect((await saverWith().inspect("objects")).kinds.segments.bytes).toBeLessThan(1000);
      const read = await listed(saverWith({ blobs: blobs() }), thread("objects"));
      expect(read.map(({ checkpoint }) => checkpoint.channel_values)).toEqual(values.toReversed());
      await expect(saverWith().getTuple(thread("objects"))).rejects.toThrow(/is in a blob store/);
      await expect(saverWith().deleteThread("objects")).rejects.toThrow(/pass `blobs` to delete it/);
      await saverWith({ blobs: blobs() }).deleteThread("objects");
      expect(await s3.keys()).toEqual([]);
      expect(await items("objects")).toEqual([]);
    });

    it("has large pending writes there too, and deletes them with the thread", async () => {
      const value = noise(900_000);
      const many = Array.from({ length: 60 }, (_, n): [string, string] => [`channel_${n}`, noise(300)]);
      const own = saverWith({ blobs: blobs() });
      await put(own, "large-writes", ["1"], [{ text: "" }]);
      await own.putWrites(thread("large-writes", "1"), [["image", value]], "task-1");
      await own.putWrites(thread("large-writes", "1"), many, "task-2");
      const { kinds } = await own.inspect("large-writes");
      expect(kinds.blobs.items).toBeGreaterThan(2);
      expect(kinds.blobs.bytes).toBeLessThan(2000);
      expect(await s3.keys()).toHaveLength(kinds.blobs.items);
      const { pendingWrites } = (await saverWith({ blobs: blobs() }).getTuple(thread("large-writes", "1"))) ?? {};
      expect(pendingWrites?.map(([, channel, one]) => [channel, one])).toEqual([["image", value], ...many]);
      await own.deleteThread("large-writes");
      expect(await s3.keys()).toEqual([]);
    });

    it("says what is missing, or that S3 is away", async () => {
      await put(saverWith({ blobs: blobs() }), "lost", ["1"], [{ text: noise(60_000) }]);
      await blobs().store.deleteAll(await s3.keys());
      await expect(saverWith({ blobs: blobs() }).getTuple(thread("lost"))).rejects.toMatchObject({
        reason: { tag: "store-corrupt", what: expect.stringMatching(/^segment .* of thread lost$/) },
      });
      const away = { put: async () => Promise.reject(new Error("away")) } as never;
      await expect(
        put(saverWith({ blobs: { store: away } }), "away", ["1"], [{ text: noise(60_000) }]),
      ).rejects.toThrow("away");
      expect(await saverWith().getTuple(thread("away"))).toBe(undefined);
      const nowhere = new S3Blobs({ ...s3, bucket: "no-such-bucket" });
      await expect(
        put(saverWith({ blobs: { store: nowhere } }), "away", ["1"], [{ text: noise(60_000) }]),
      ).rejects.toMatchObject({ reason: { tag: "store-unavailable", store: "s3" } });
    });
  });

  it("lists all threads by the index, also those whose first checkpoints have expired", async () => {
    let now = Date.now();
    const ttlMs = 60_000;
    const clock = { now: () => now };
    const own = await open();
    const saver = new DynamoDBSaver({
      client: own.client,
      tableName: own.tableName,
      indexName: tableDefinition.index.name,
      ttlMs,
      clock,
    });
    const ids = (n: number) => Array.from({ length: n }, (_, i) => String(i).padStart(3, "0"));
    for (const one of ["a", "b"]) await put(saver, one, ["0"], [{ text: one }]);
    // Thread a goes on for five lifetimes, thread b does not.
    for (const id of ids(12).slice(1)) {
      now += 30_000;
      const checkpoint = {
        v: 4,
        id,
        ts: "",
        channel_values: { text: `a ${id}` },
        channel_versions: {},
        versions_seen: {},
      };
      const latest = await saver.getTuple(thread("a"));
      await saver.put(thread("a", latest?.checkpoint.id), checkpoint, metadata, {});
      // DynamoDB may delete expired items at any time.
      const { Items = [] } = await own.client.send(new ScanCommand({ TableName: own.tableName }));
      for (const { pk, sk, expiresAt } of Items)
        if (expiresAt * 1000 <= now) await new Table({ ...own, clock }).deleteAll([{ pk, sk }]);
    }
    const all = await listed(saver, {});
    expect(new Set(all.map(({ config }) => config.configurable?.thread_id))).toEqual(new Set(["a"]));
    expect(all[0]?.checkpoint.channel_values).toEqual({ text: "a 011" });
    await own.close();
  });

  /** Bytes of no codec: one of them would be that of encryption, once in a while. */
  const noCode = (length: number) => Buffer.concat([Buffer.from([9]), randomBytes(length - 1)]);

  it("goes on past a damaged checkpoint, with the error in its place", async () => {
    await put(saverWith(), "damaged", ["1", "2", "3"], [{ text: "one" }, { text: noise(40_000) }, { text: "three" }]);
    const broken = (await items("damaged")).filter(({ sk }) => String(sk).startsWith("segment"));
    for (const item of broken)
      await table.client.send(new PutCommand({ TableName: table.tableName, Item: { ...item, d: noCode(40) } }));
    const Item = { pk: "checkpoint#damaged", sk: "head##0", d: noCode(9) };
    await table.client.send(new PutCommand({ TableName: table.tableName, Item }));
    const found = (await listed(saverWith(), thread("damaged"))) as DamagedTuple[];
    expect(found.map(({ config }) => config.configurable?.checkpoint_id)).toEqual(["3", "2", "1", "0"]);
    expect(found.map(({ error }) => error?.reason.tag)).toEqual([
      undefined,
      "store-corrupt",
      undefined,
      "store-corrupt",
    ]);
    expect(() => found[1]?.checkpoint).toThrow(/segment/);
    expect(found[0]?.checkpoint.channel_values).toEqual({ text: "three" });
  });
});
