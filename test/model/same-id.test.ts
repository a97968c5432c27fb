/**
 * Checkpoints whose id is put again, by two processes that have either version in memory: on itself, on another parent or on
 * none, with channels that come and go. Whatever was put on either version stays what it was, for a process that knows nothing.
 */
import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

type Values = Record<string, string[]>;

/** Adds to a channel, cuts its beginning off, edits it, or takes it out; `bytes` do not deflate. */
const change = fc.record({
  channel: fc.constantFrom("messages", "notes", "c#%"),
  kind: fc.constantFrom("append" as const, "append" as const, "append" as const, "trim" as const, "drop" as const),
  bytes: fc.oneof({ weight: 4, arbitrary: fc.nat(900) }, fc.integer({ min: 3000, max: 30_000 })),
});
const step = fc.record({
  change,
  saver: fc.nat(2),
  /** The distance back from the newest put. */
  on: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(50)),
  /** The id that is put again, likewise; a new one when left out. */
  again: fc.option(fc.oneof(fc.constant(0), fc.nat(50)), { freq: 2 }),
  parent: fc.constantFrom("itself" as const, "on" as const, "none" as const),
  ttlMs: fc.constantFrom(60_000, 600_000),
});

const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("base64");
let place = 0;
const text = (bytes: number) => {
  place = (place + 7919) % 40_000;
  return noise.slice(place, place + bytes);
};
/** The number of channels that makes heads long enough to be differences to one before. */
const wide: Values = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`field ${n}`, [text(20)]]));
function changed(
  values: Values,
  { channel, kind, bytes }: typeof change extends fc.Arbitrary<infer T> ? T : never,
): Values {
  const { [channel]: before = [], ...rest } = values;
  if (kind === "drop") return rest;
  const after = kind === "append" ? [...before, text(bytes)] : before.slice(1);
  return Object.fromEntries([...Object.entries(rest), [channel, after]]);
}

const checkpointOf = (id: string, values: Values): Checkpoint => {
  const channel_versions = Object.fromEntries(Object.keys(values).map((name) => [name, 1]));
  return { v: 4, id, ts: "", channel_values: values, channel_versions, versions_seen: {} };
};
const metadata = { source: "loop" as const, step: 0, parents: {} };

describe.each(dynamoEngines)("a checkpoint that is put again on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const saverOn = (options = {}) => new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...options });

  it("leaves every other as it was", async () => {
    let threads = 0;
    let now = Date.now();
    const clock = { now: () => now };
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.boolean(),
        fc.boolean(),
        async (steps, expires, isWide) => {
          const thread = { thread_id: `again-${name}-${threads++}`, checkpoint_ns: "" };
          const savers = [0, 1].map(() => saverOn({ clock }));
          const all = new Map<string, { values: Values; parent: string | undefined; until: number }>();
          for (const [i, { change, saver, on, again, parent, ttlMs }] of steps.entries()) {
            const ids = [...all.keys()];
            const back = (n: number) => ids.at(-1 - (n % Math.max(1, ids.length)));
            const own = again === null ? undefined : back(again);
            const id = own ?? `id-${String(i).padStart(3, "0")}`;
            const base = own === undefined || parent === "on" ? back(on) : parent === "itself" ? own : undefined;
            const values = changed(
              (base === undefined ? undefined : all.get(base)?.values) ?? (isWide ? wide : {}),
              change,
            );
            const config = { configurable: { ...thread, checkpoint_id: base, ...(expires && { ttl_ms: ttlMs }) } };
            const checkpoint = checkpointOf(id, values);
            await (savers[saver] ?? saverOn({ clock })).put(config, checkpoint, metadata, checkpoint.channel_versions);
            const former = all.get(id)?.parent;
            all.set(id, { values, parent: base === id ? former : base, until: expires ? now + ttlMs : Infinity });
            now += 20_000;

            const cold = saverOn({ clock });
            const alive = [...all].filter(([, { until }]) => until - 1000 > now);
            const listed: string[] = [];
            for await (const { checkpoint } of cold.list({ configurable: thread })) listed.push(checkpoint.id);
            expect([...new Set(listed)]).toEqual(listed);
            expect(listed).toEqual(expect.arrayContaining(alive.map(([id]) => id)));
            expect((await cold.getTuple({ configurable: thread }))?.checkpoint.id).toBe(listed[0]);
            for (const [checkpoint_id, wanted] of alive) {
              const tuple = await cold.getTuple({ configurable: { ...thread, checkpoint_id } });
              expect(tuple?.checkpoint.channel_values, checkpoint_id).toEqual(wanted.values);
              expect(tuple?.parentConfig?.configurable?.checkpoint_id, checkpoint_id).toBe(wanted.parent);
            }
          }
        },
      ),
      { numRuns: sized(5, 25), seed: 2026, endOnFailure: true },
    );
  });

  it("by two at once is one of them, and what is put on either is whole", async () => {
    const thread = { thread_id: `at-once-${name}`, checkpoint_ns: "" };
    const versions = { a: 1 };
    const root = await saverOn().put(
      { configurable: thread },
      checkpointOf("1", { a: [text(500)] }),
      metadata,
      versions,
    );
    const savers = [0, 1, 2, 3].map(() => saverOn());
    const values = savers.map((_, i): Values => ({ a: [text(500), String(i)], [`b${i}`]: [text(400)] }));
    await Promise.all(savers.map((saver, i) => saver.put(root, checkpointOf("2", values[i] as Values), metadata, {})));
    const on = { configurable: { ...thread, checkpoint_id: "2" } };
    const stored = (await saverOn().getTuple(on))?.checkpoint.channel_values;
    expect(values).toContainEqual(stored);
    for (const [i, saver] of savers.entries())
      await saver.put(on, checkpointOf(`3-${i}`, { ...values[i], c: [String(i)] }), metadata, {});
    for (const i of savers.keys()) {
      const tuple = await saverOn().getTuple({ configurable: { ...thread, checkpoint_id: `3-${i}` } });
      expect(tuple?.checkpoint.channel_values).toEqual({ ...values[i], c: [String(i)] });
    }
  });

  it("on itself, with no new versions, is there for a process that has just begun", async () => {
    const thread = { thread_id: `itself-${name}`, checkpoint_ns: "" };
    const values = { said: [text(1000)] };
    const root = await saverOn().put({ configurable: thread }, checkpointOf("1", {}), metadata, {});
    const config = await saverOn().put(root, checkpointOf("2", values), metadata, {});
    await saverOn().put(config, checkpointOf("2", values), metadata, {});
    const found = await saverOn().getTuple({ configurable: thread });
    expect([found?.checkpoint.channel_values, found?.parentConfig]).toEqual([values, root]);
  });

  it("or is put while its parent is under way is of the thread's life", async () => {
    const thread = { thread_id: `under-way-${name}`, checkpoint_ns: "" };
    await saverOn().put({ configurable: thread }, checkpointOf("0", {}), metadata, {});
    await saverOn().deleteThread(thread.thread_id);
    const saver = saverOn();
    const large = { a: [text(20_000)] };
    await Promise.all([
      saver.put({ configurable: thread }, checkpointOf("1", large), metadata, { a: 1 }),
      saver.put({ configurable: { ...thread, checkpoint_id: "1" } }, checkpointOf("2", { b: ["x"] }), metadata, {}),
    ]);
    expect((await saverOn().getTuple({ configurable: thread }))?.checkpoint.id).toBe("2");
  });

  it("on one that is newer is newer than that, and is listed once", async () => {
    const thread = { thread_id: `moved-${name}`, checkpoint_ns: "" };
    const put = (id: string, on?: string) =>
      saverOn().put({ configurable: { ...thread, checkpoint_id: on } }, checkpointOf(id, {}), metadata, {});
    await put("5");
    await put("7", "5");
    await put("6", "7");
    await put("9", "7");
    await put("6", "9");
    const ids: string[] = [];
    for await (const { checkpoint } of saverOn().list({ configurable: thread })) ids.push(checkpoint.id);
    expect(ids).toEqual(["6", "9", "7", "5"]);
  });
});
