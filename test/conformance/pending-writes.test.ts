/** Calls of `putWrites` leave what LangGraph's MemorySaver has after the same calls, however many writes and bytes they carry. */
import { Annotation, Command, interrupt, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import type { PendingWrite } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, incarnationConfig } from "@tenure/core/checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const special = fc.constantFrom("__resume__", "__interrupt__", "__error__", "__scheduled__");
const channel = fc.oneof({ weight: 2, arbitrary: special }, fc.constantFrom("a", "b"));
/** A number, and how many bytes of what does not deflate are stored with it. */
const value = fc.record({
  n: fc.nat(),
  bytes: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.constantFrom(15_000, 40_000, 48_000)),
});
const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(48_000))).toString("base64");
const write = fc.tuple(channel, value);
const emptyCheckpoint = { v: 4, id: "1", ts: "", channel_values: {}, channel_versions: {}, versions_seen: {} };
const metadata = { source: "loop" as const, step: 0, parents: {} };
const call = fc.oneof(
  { weight: 3, arbitrary: fc.array(write, { minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: fc.array(write, { minLength: 40, maxLength: 90 }) },
);

describe.each(dynamoEngines)("pending writes on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const saverOn = () => new DynamoDBSaver({ client: table.client, tableName: table.tableName });

  it("are MemorySaver's after any calls of one task", async () => {
    let threads = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 5 }), async (calls) => {
        const thread = { thread_id: `writes-${name}-${threads++}`, checkpoint_ns: "" };
        const config = { configurable: { ...thread, checkpoint_id: "1" } };
        const found = [];
        for (const saver of [new MemorySaver(), saverOn()]) {
          await saver.put({ configurable: thread }, emptyCheckpoint, metadata, {});
          for (const writes of calls) {
            const filled = writes.map(
              ([to, { n, bytes }]): PendingWrite => [to, { n, bytes, noise: noise.slice(0, bytes) }],
            );
            await saver.putWrites(config, filled, "task");
          }
          const stored = (await saver.getTuple(config))?.pendingWrites as [
            string,
            string,
            { n: number; noise: string },
          ][];
          found.push(stored.map(([, to, { n, noise }]) => `${to} ${n} ${noise.length}`).sort());
        }
        expect(found[1]).toEqual(found[0]);
      }),
      { numRuns: 40, seed: 2026, endOnFailure: true },
    );
  });

  it("of two calls at once are whole, one of them for each index", async () => {
    const thread = { thread_id: `at-once-${name}`, checkpoint_ns: "" };
    const config = await saverOn().put({ configurable: thread }, emptyCheckpoint, metadata, {});
    const sizes = [3, 60, 80, 10];
    await Promise.all(
      sizes.map((size, by) =>
        saverOn().putWrites(
          config,
          Array.from({ length: size }, (_, index): PendingWrite => ["a", { index, by }]),
          "task",
        ),
      ),
    );
    const found = (await saverOn().getTuple(config))?.pendingWrites as [string, string, { index: number }][];
    expect(found.map(([, , { index }]) => index)).toEqual(Array.from({ length: 80 }, (_, index) => index));
  });

  it("of a second call beside a pack are behind its own, however large it is", async () => {
    const pack = (by: string, size: number, bytes: number) =>
      Array.from({ length: size }, (_, index): PendingWrite => ["a", { index, by, noise: noise.slice(index, bytes) }]);
    for (const bytes of [10, 1_000, 20_000]) {
      const thread = { thread_id: `pack-${bytes}-${name}`, checkpoint_ns: "" };
      const config = await saverOn().put({ configurable: thread }, emptyCheckpoint, metadata, {});
      await saverOn().putWrites(config, pack("first", 60, bytes), "task");
      await saverOn().putWrites(config, pack("second", 70, bytes), "task");
      await saverOn().putWrites(config, pack("third", 3, bytes), "task");
      const found = (await saverOn().getTuple(config))?.pendingWrites as [string, string, { by: string }][];
      expect(found.map(([, , { by }]) => by)).toEqual(
        Array.from({ length: 70 }, (_, n) => (n < 60 ? "first" : "second")),
      );
    }
  });

  it.each<[string, PendingWrite[]]>([
    ["one of a kind", [["__interrupt__", "old"]]],
    [
      "several of both kinds",
      [
        ["a", "old"],
        ["__resume__", ["old"]],
        ["__interrupt__", "old"],
      ],
    ],
    ["more than one update holds", Array.from({ length: 60 }, (_, n): PendingWrite => ["a", `old ${n}`])],
  ])("of a former holder, landing late, replace none of the next one's: %s", async (what, late) => {
    const under = (fence: number, { configurable }: { configurable?: object }) => ({
      configurable: { ...configurable, ...incarnationConfig({ id: "life", undone: [], fence }) },
    });
    const thread = { thread_id: `late ${what} ${name}`, checkpoint_ns: "" };
    const config = await saverOn().put(under(1, { configurable: thread }), emptyCheckpoint, metadata, {});
    const writes = async () => (await saverOn().getTuple(under(2, config)))?.pendingWrites;
    await saverOn().putWrites(under(1, config), [["__interrupt__", "first"]], "task");
    await saverOn().putWrites(
      under(2, config),
      [
        ["__resume__", ["yes"]],
        ["__interrupt__", "second"],
      ],
      "task",
    );
    const before = await writes();
    await expect(saverOn().putWrites(under(1, config), late, "task")).rejects.toMatchObject({
      reason: { tag: "thread-busy" },
    });
    expect(await writes()).toEqual(before);
    // A copy is a thread with leases of its own.
    const to = { configurable: { ...thread, thread_id: `copy of ${thread.thread_id}` } };
    await saverOn().copyThread(under(2, { configurable: thread }), under(0, to));
    const copied = { configurable: { ...config.configurable, thread_id: `copy of ${thread.thread_id}` } };
    await saverOn().putWrites(under(1, copied), [["__interrupt__", "third"]], "task");
    expect((await saverOn().getTuple(copied))?.pendingWrites).toContainEqual(["task", "__interrupt__", "third"]);
  });

  it("go to channels of any name", async () => {
    const thread = { thread_id: `names-${name}`, checkpoint_ns: "" };
    const config = await saverOn().put({ configurable: thread }, emptyCheckpoint, metadata, {});
    const writes = ["constructor", "__proto__", "toString", "pack", "path"].map((to, i): PendingWrite => [to, i]);
    await saverOn().putWrites(config, writes, "task");
    expect((await saverOn().getTuple(config))?.pendingWrites).toEqual(writes.map((one) => ["task", ...one]));
  });

  it("of bytes are arrays of bytes again, as MemorySaver's are, and nobody else's", async () => {
    const config = { configurable: { thread_id: `bytes-${name}`, checkpoint_ns: "", checkpoint_id: "1" } };
    const bytes = Uint8Array.from({ length: 3000 }, (_, n) => n % 251);
    const saver = saverOn();
    await saver.put(
      { configurable: { thread_id: `bytes-${name}`, checkpoint_ns: "" } },
      { ...emptyCheckpoint, channel_values: { file: bytes }, channel_versions: { file: 1 } },
      metadata,
      { file: 1 },
    );
    // The first is a difference to the channel, the second is not.
    await saver.putWrites(config, [["file", Uint8Array.of(...bytes, 1)]], "task-1");
    await saver.putWrites(config, [["file", Uint8Array.of(1, 2)]], "task-2");
    for (const by of [saver, saverOn()])
      for (let read = 0; read < 2; read++) {
        const tuple = await by.getTuple(config);
        const found = [
          tuple?.checkpoint.channel_values.file,
          ...(tuple?.pendingWrites ?? []).map(([, , value]) => value),
        ];
        expect(found).toStrictEqual([bytes, Uint8Array.of(...bytes, 1), Uint8Array.of(1, 2)]);
        for (const one of found) (one as Uint8Array).fill(0);
      }
  });

  it("let a node that asks twice finish", async () => {
    const results = [];
    for (const checkpointer of [new MemorySaver(), saverOn()]) {
      const graph = new StateGraph(Annotation.Root({ answers: Annotation<string[]> }))
        .addNode("ask", () => ({ answers: [interrupt("first"), interrupt("second"), interrupt("third")] }))
        .addEdge(START, "ask")
        .compile({ checkpointer });
      const config = { configurable: { thread_id: `asks-${name}` } };
      await graph.invoke({ answers: [] }, config);
      for (const resume of ["A", "B"]) await graph.invoke(new Command({ resume }), config);
      results.push(await graph.invoke(new Command({ resume: "C" }), config));
    }
    expect(results).toEqual([{ answers: ["A", "B", "C"] }, { answers: ["A", "B", "C"] }]);
  });
});
