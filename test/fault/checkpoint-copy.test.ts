/**
 * Copies of threads: the same as the thread for every reader, whatever it is stored as, and whole in all that they have, also when
 * the thread is damaged, written to or deleted meanwhile. The oracle is the thread itself, read by a fresh saver.
 */
import { randomBytes } from "node:crypto";
import { DeleteCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { CheckpointMetadata, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, type DynamoDBSaverOptions } from "@tenure/core/checkpoint";
import { tableDefinition } from "@tenure/core/dynamo";
import { isTenureError } from "@tenure/core/errors";
import { S3Blobs } from "@tenure/core/s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { s3Server } from "../support/stores/found.ts";
import { openS3, type TestS3 } from "../support/stores/s3.ts";

const DAY = 24 * 60 * 60_000;
const noise = (bytes: number) => randomBytes(bytes / 2).toString("hex");
const idOf = (step: number) => `1f0c${String(step).padStart(4, "0")}-0000-6000-8000-000000000000`;

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let s3: TestS3 | undefined;
  let now = Date.now();
  let sent = 0;
  beforeAll(async () => {
    table = await open();
    if (s3Server) s3 = await openS3();
  });
  afterAll(async () => {
    await table.close();
    await s3?.close();
  });

  const counted = () =>
    new Proxy(table.client, {
      get(client, name) {
        if (name === "send") sent += 1;
        const value = Reflect.get(client, name);
        return typeof value === "function" ? value.bind(client) : value;
      },
    });
  const saverWith = (options: Partial<DynamoDBSaverOptions> = {}) =>
    new DynamoDBSaver({ client: counted(), tableName: table.tableName, clock: { now: () => now }, ...options });
  const thread = (thread_id: string, more: object = {}) => ({
    configurable: { thread_id, checkpoint_ns: "", ...more },
  });

  async function put(saver: DynamoDBSaver, threadId: string, step: number, values: object, more: object = {}) {
    const { parent = step - 1, ...namespace } = more as { parent?: number };
    const config = thread(threadId, { ...(parent > 0 && { checkpoint_id: idOf(parent) }), ...namespace });
    const versions = Object.fromEntries(Object.keys(values).map((name) => [name, step]));
    const checkpoint = {
      ...{ v: 4, id: idOf(step), ts: new Date(now).toISOString(), versions_seen: {} },
      ...{ channel_values: values as Record<string, unknown>, channel_versions: versions },
    };
    const metadata = { source: "loop", step, parents: {}, thread_id: threadId } as unknown as CheckpointMetadata;
    return saver.put(config, checkpoint, metadata, versions);
  }

  /** A life with all that a thread can have: inline and stored segments, forks, namespaces, writes of every kind. */
  async function live(saver: DynamoDBSaver, threadId: string, steps: number): Promise<void> {
    let text = "";
    const messages: string[] = [];
    for (let step = 1; step <= steps; step++) {
      now += 1000;
      text += step % 17 === 0 ? noise(30_000) : noise(300);
      messages.push(`message ${step} ${"lorem ipsum ".repeat(step % 5)}`);
      const values = { text, messages, count: step, ...(step % 3 === 0 && { odd: noise(20) }) };
      const config = await put(saver, threadId, step, values);
      const size = step % 11 === 0 ? 600_000 : 50;
      await saver.putWrites(
        config,
        [
          ["text", noise(size)],
          ["messages", ["more"]],
        ],
        `task-${step}`,
        `path-${step}`,
      );
      await saver.putWrites(
        config,
        [["__interrupt__", { value: noise(step % 13 === 0 ? 40_000 : 20) }]],
        `asks-${step}`,
      );
      if (step % 23 === 0) {
        const many = Array.from({ length: 60 }, (_, i): [string, unknown] => ["count", i]);
        await saver.putWrites(config, many, `many-${step}`);
      }
    }
    await put(saver, threadId, steps + 1, { text: "a fork", count: -1 }, { parent: Math.floor(steps / 2) });
    await put(saver, threadId, 1, { inner: noise(40) }, { checkpoint_ns: "sub#graph|1", parent: 0 });
    await put(saver, threadId, 2, { inner: noise(10_000) }, { checkpoint_ns: "sub#graph|1" });
  }

  async function read(saver: DynamoDBSaver, threadId: string): Promise<CheckpointTuple[]> {
    const found: CheckpointTuple[] = [];
    for await (const tuple of saver.list({ configurable: { thread_id: threadId } })) found.push(tuple);
    return found;
  }
  const renamed = (tuples: CheckpointTuple[], threadId: string) => {
    const rename = (config: CheckpointTuple["config"]) => ({
      configurable: { ...config.configurable, thread_id: threadId },
    });
    return tuples.map(({ config, parentConfig, metadata, ...rest }) => ({
      ...rest,
      config: rename(config),
      ...(parentConfig && { parentConfig: rename(parentConfig) }),
      metadata: { ...metadata, thread_id: threadId },
    }));
  };

  const keys = { k1: randomBytes(32) };
  const ways: [string, () => Partial<DynamoDBSaverOptions>][] = [
    ["as it comes", () => ({})],
    ["with a lifetime and an index", () => ({ ttlMs: 30 * DAY, indexName: tableDefinition.index.name })],
    ["encrypted", () => ({ encryption: { keys, current: "k1" } })],
  ];
  if (s3Server) {
    const blobs = () => ({ store: new S3Blobs(s3 as TestS3) });
    ways.push(
      ["with segments in S3", () => ({ blobs: blobs(), ttlMs: DAY })],
      ["encrypted, with segments in S3", () => ({ blobs: blobs(), encryption: { keys, current: "k1" } })],
    );
  }

  it.each(ways)("is the thread, %s", async (name, options) => {
    const [from, to] = [`life ${name}`, `copy ${name}`];
    await live(saverWith(options()), from, 60);
    expect(await saverWith(options()).copyThread(thread(from), thread(to))).toBe(63);
    const source = await read(saverWith(options()), from);
    expect(source).toHaveLength(63);
    expect(await read(saverWith(options()), to)).toEqual(renamed(source, to));
    const [latest, inCopy] = await Promise.all([from, to].map((one) => saverWith(options()).getTuple(thread(one))));
    expect([inCopy]).toEqual(renamed([latest as CheckpointTuple], to));
    // The copy stands on its own feet.
    await saverWith(options()).deleteThread(from);
    expect(await read(saverWith(options()), to)).toEqual(renamed(source, to));
    if (options().indexName) {
      const all = new Set<unknown>();
      for await (const { config } of saverWith(options()).list({})) all.add(config.configurable?.thread_id);
      expect([all.has(to), all.has(from)]).toEqual([true, false]);
    }
    // And goes on.
    await put(saverWith(options()), to, 62, { text: "more", messages: ["more"] }, { parent: 60 });
    expect((await saverWith(options()).getTuple(thread(to)))?.checkpoint.channel_values.text).toBe("more");
    await saverWith(options()).deleteThread(to);
    expect(await saverWith(options()).inspect(to)).toMatchObject({
      checkpoints: [],
      kinds: { segments: { items: 0 } },
    });
  });

  it("lives from the copy on, and what had expired before stays so", async () => {
    const saver = () => saverWith({ ttlMs: 2 * DAY });
    await put(saver(), "aging", 1, { text: noise(300) });
    now += 1.5 * DAY;
    await put(saver(), "aging", 2, { text: noise(300), more: noise(300) });
    now += DAY;
    expect((await read(saver(), "aging")).map(({ checkpoint }) => checkpoint.id)).toEqual([idOf(2)]);
    await saver().copyThread(thread("aging"), thread("aged"));
    const copy = await read(saver(), "aged");
    expect(copy.map(({ checkpoint }) => checkpoint.id)).toEqual([idOf(2)]);
    now += 1.5 * DAY;
    expect(await read(saver(), "aging")).toEqual([]);
    expect(await read(saver(), "aged")).toEqual(copy);
    now += DAY;
    expect(await read(saver(), "aged")).toEqual([]);
  });

  it("belongs to the life that its place is in", async () => {
    await live(saverWith(), "reborn", 3);
    await put(saverWith(), "place", 1, { text: "before" });
    await saverWith().deleteThread("place");
    await saverWith().copyThread(thread("reborn"), thread("place"));
    expect(await read(saverWith(), "place")).toEqual(renamed(await read(saverWith(), "reborn"), "place"));
    // A copy has nothing of the thread's life before.
    await saverWith().deleteThread("reborn");
    await put(saverWith(), "reborn", 1, { text: "again" });
    expect(await saverWith().copyThread(thread("reborn"), thread("elsewhere"))).toBe(1);
  });

  async function items(threadId: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await table.client.send(
        new QueryCommand({
          TableName: table.tableName,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": `checkpoint#${threadId}` },
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      found.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return found;
  }

  /** Bytes of no codec: by chance they could be of one, and of one that wants a key. */
  const damage = (length: number) => Buffer.concat([Buffer.of(0xfe), randomBytes(length - 1)]);

  it("is whole in all it has, whichever item of the thread is damaged or missing", async () => {
    await live(saverWith(), "damaged", 45);
    const whole = new Map(
      (await read(saverWith(), "damaged")).map((one) => [JSON.stringify(one.config.configurable), one]),
    );
    const stored = await items("damaged");
    for (const [i, item] of stored.entries()) {
      if (i % sized(25, 12) !== 0) continue;
      const { pk, sk } = item;
      const TableName = table.tableName;
      if (i % 2) await table.client.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
      else await table.client.send(new PutCommand({ TableName, Item: { ...item, d: damage(20), data: damage(9) } }));
      const to = `repaired ${i}`;
      const count = await saverWith().copyThread(thread("damaged"), thread(to));
      const copy = await read(saverWith(), to);
      expect([sk, copy.filter((one) => "error" in one)]).toEqual([sk, []]);
      expect(copy).toHaveLength(count);
      for (const { config, checkpoint } of copy) {
        const name = JSON.stringify({ ...config.configurable, thread_id: "damaged" });
        expect(checkpoint).toEqual(whole.get(name)?.checkpoint);
      }
      // The copy has all checkpoints but those that need what is gone.
      const readable = (await read(saverWith(), "damaged"))
        .filter((one) => !("error" in one))
        .map(({ config }) => config);
      const copied = new Set(copy.map(({ config }) => config.configurable?.checkpoint_id));
      for (const { configurable } of readable)
        expect([sk, copied.has(configurable?.checkpoint_id)]).toEqual([sk, true]);
      await table.client.send(new PutCommand({ TableName, Item: item }));
    }
  });

  it("is whole while a run writes to the thread, and nothing of one that is deleted meanwhile", async () => {
    const writing = saverWith();
    let isOver = false;
    const run = live(writing, "busy", 60).finally(() => {
      isOver = true;
    });
    for (let n = 0; !isOver; n++) {
      const count = await saverWith().copyThread(thread("busy"), thread(`snapshot ${n}`));
      const copy = await read(saverWith(), `snapshot ${n}`);
      expect(copy.filter((one) => "error" in one)).toEqual([]);
      expect(copy).toHaveLength(count);
    }
    await run;
    const copying = saverWith()
      .copyThread(thread("busy"), thread("late"))
      .catch((error: unknown) => error);
    await saverWith().deleteThread("busy");
    expect(isTenureError(await copying)).toBe(false);
    const late = await read(saverWith(), "late");
    expect(late.filter((one) => "error" in one)).toEqual([]);
  });

  it("takes as many requests as its items fill batches", async () => {
    const saver = saverWith();
    for (let step = 1; step <= 200; step++) {
      const config = await put(saver, "long", step, {
        messages: Array.from({ length: step }, (_, i) => `message ${i} ${"of many words ".repeat(12)}`),
      });
      await saver.putWrites(config, [["messages", "more"]], "task");
    }
    sent = 0;
    await saverWith().copyThread(thread("long"), thread("long copy"));
    const { kinds } = await saverWith().inspect("long");
    const count = kinds.heads.items + kinds.segments.items + kinds.writes.items;
    expect(count).toBeGreaterThan(400);
    // Three batches that are not full, the reads, two lives twice, and the table's format.
    expect(sent).toBeLessThanOrEqual(Math.ceil(count / 25) + 12);
  });
});
