/** Runs that did not come to their end: what `progressOf` tells of one that is taken over, and what a rollback leaves of one. */
import { randomBytes } from "node:crypto";
import { Annotation, Command, interrupt, START, StateGraph } from "@langchain/langgraph";
import type { Checkpoint, PendingWrite } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, type DynamoDBSaverOptions, incarnationConfig } from "@tenure/core/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

let threads = 0;

describe.each(dynamoEngines)("the progress of a run on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  const newThread = () => `progress-${name}-${threads++}`;
  const saverOn = () => {
    const metadataOf: DynamoDBSaverOptions["metadataOf"] = ({ configurable }) => ({ run_id: configurable?.run_id });
    return new DynamoDBSaver({ client: table.client, tableName: table.tableName, metadataOf });
  };
  const at = (thread_id: string, more: object = {}) => ({ configurable: { thread_id, checkpoint_ns: "", ...more } });
  const put = (thread: string, run_id: string, id: string, on?: string) => {
    const checkpoint: Checkpoint = { v: 4, id, ts: "", channel_values: {}, channel_versions: {}, versions_seen: {} };
    const config = at(thread, { run_id, ...(on && { checkpoint_id: on }) });
    return saverOn().put(config, checkpoint, { source: "loop", step: 0, parents: {} }, {});
  };
  const read = async (config: object, run: string) => {
    const { checkpoint, base, writes } = await saverOn().progressOf(config, run);
    return [
      checkpoint?.checkpoint.id,
      base?.checkpoint.id,
      writes.map(([task, channel, value]) => [task, channel, value]),
    ];
  };

  it("is nothing on a thread that has nothing", async () => {
    expect(await read(at(newThread()), "a")).toEqual([undefined, undefined, []]);
  });

  it("is its newest checkpoint, under one that another has put since", async () => {
    const thread = newThread();
    await put(thread, "before", "1");
    expect(await read(at(thread), "a")).toEqual([undefined, "1", []]);
    await put(thread, "a", "2", "1");
    await put(thread, "a", "3", "2");
    expect(await read(at(thread), "a")).toEqual(["3", "3", []]);
    await put(thread, "another", "4", "3");
    expect(await read(at(thread), "a")).toEqual(["3", "4", []]);
  });

  it("is seen from the checkpoint that a fork began at", async () => {
    const thread = newThread();
    await put(thread, "before", "1");
    await put(thread, "before", "2", "1");
    const fork = at(thread, { checkpoint_id: "1" });
    await saverOn().putWrites(at(thread, { checkpoint_id: "1", run_id: "a" }), [["said", "again"]], "input");
    expect(await read(fork, "a")).toEqual([undefined, "1", [["input", "said", "again"]]]);
    await put(thread, "a", "3", "1");
    expect(await read(fork, "a")).toEqual(["3", "1", [["input", "said", "again"]]]);
    expect(await read(at(thread, { checkpoint_id: "3" }), "a")).toEqual(["3", "3", []]);
  });

  it("has no part in what was rolled back", async () => {
    const thread = newThread();
    const life = incarnationConfig({ id: "life", undone: ["a"] });
    await put(thread, "before", "1");
    await put(thread, "a", "2", "1");
    await saverOn().deleteRun(thread, "a");
    expect(await read(at(thread), "a")).toEqual([undefined, "1", []]);
    expect(await read(at(thread, life), "a")).toEqual([undefined, undefined, []]);
  });

  it("tells the writes of runs apart, in one item and in a pack, also in a copy", async () => {
    const thread = newThread();
    await put(thread, "before", "1");
    const write = (run_id: string | undefined, writes: PendingWrite[], task: string) =>
      saverOn().putWrites(at(thread, { checkpoint_id: "1", run_id }), writes, task);
    const many = (by: string, count: number): PendingWrite[] => Array.from({ length: count }, (_, n) => [`c${n}`, by]);
    await write(
      "a",
      [
        ["__interrupt__", "asked by a"],
        ["__resume__", "answered by a"],
      ],
      "one",
    );
    await write(
      "b",
      [
        ["__resume__", "answered by b"],
        ["c0", "b"],
      ],
      "one",
    );
    await write(
      "a",
      [
        ["c0", "a"],
        ["c1", "a"],
      ],
      "one",
    );
    await write("b", many("b", 2), "two");
    await write("a", many("a", 60), "two");
    await write(undefined, many("nobody", 70), "two");
    const expected = {
      a: { one: 2, two: 58 },
      b: { one: 2, two: 2 },
    };
    const copy = newThread();
    await saverOn().copyThread(at(thread), at(copy));
    for (const place of [thread, copy])
      for (const [run, counts] of Object.entries(expected)) {
        const { writes } = await saverOn().progressOf(at(place), run);
        expect(writes.every(([, , value]) => String(value).endsWith(run))).toBe(true);
        for (const [task, count] of Object.entries(counts))
          expect(writes.filter((one) => one[0] === task)).toHaveLength(count);
      }
    expect((await saverOn().getTuple(at(thread)))?.pendingWrites).toHaveLength(4 + 70);
  });

  it("tells the writes of a run by its metadata, where its config does not", async () => {
    const thread = newThread();
    await put(thread, "before", "1");
    const config = { ...at(thread, { checkpoint_id: "1" }), metadata: { run_id: "a" } };
    await saverOn().putWrites(config, [["c", 1]], "task");
    expect(await read(at(thread), "a")).toEqual([undefined, "1", [["task", "c", 1]]]);
  });

  it("tells whether a graph's answer was used", async () => {
    const thread = newThread();
    const State = Annotation.Root({ said: Annotation<string[]> });
    let blow: (() => void) | undefined;
    const graph = () =>
      new StateGraph(State)
        .addNode("ask", () => {
          const answers = [interrupt("first?")];
          blow?.();
          answers.push(interrupt("second?"));
          return { said: answers };
        })
        .addEdge(START, "ask")
        .compile({ checkpointer: saverOn() as never });
    const run = (run_id: string, input: unknown) => graph().invoke(input as never, at(thread, { run_id }));
    await run("a", { said: [] });
    const latest = (await saverOn().getTuple(at(thread)))?.checkpoint.id;
    blow = () => {
      throw new Error("the process dies");
    };
    await expect(run("b", new Command({ resume: "yes" }))).rejects.toThrow("dies");
    blow = undefined;
    const { checkpoint, base, writes } = await saverOn().progressOf(at(thread), "b");
    expect([checkpoint, base?.checkpoint.id]).toEqual([undefined, latest]);
    expect(writes).toContainEqual([expect.any(String), "__resume__", "yes"]);
    expect((await saverOn().progressOf(at(thread), "a")).writes.map(([, channel]) => channel)).toEqual([
      "__interrupt__",
    ]);
  });

  it("leaves no answer behind when it is rolled back", async () => {
    const thread = newThread();
    const State = Annotation.Root({ said: Annotation<string[]> });
    const graph = () =>
      new StateGraph(State)
        .addNode("ask", () => ({ said: [interrupt("mail?"), interrupt("disk?")] }))
        .addEdge(START, "ask")
        .compile({ checkpointer: saverOn() as never });
    const run = (run_id: string, input: unknown) => graph().invoke(input as never, at(thread, { run_id }));
    await run("a", { said: [] });
    await run("b", new Command({ resume: "yes" }));
    await saverOn().deleteRun(thread, "b");
    expect((await saverOn().progressOf(at(thread), "b")).writes).toEqual([]);
    await run("c", new Command({ resume: "no" }));
    expect(await run("d", new Command({ resume: "never" }))).toMatchObject({ said: ["no", "never"] });
  });

  it("leaves the writes of others when it is rolled back, single ones and packs", async () => {
    const thread = newThread();
    await put(thread, "before", "1");
    const write = (run_id: string, task: string, count: number, bytes: number) => {
      const writes = Array.from(
        { length: count },
        (_, n): PendingWrite => [`c${n}`, [run_id, randomBytes(bytes).toString("base64")]],
      );
      return saverOn().putWrites(at(thread, { checkpoint_id: "1", run_id }), writes, task);
    };
    await write("kept", "single", 2, 10);
    await write("undone", "single", 5, 10);
    await write("undone", "only", 3, 10);
    await write("kept", "pack", 60, 1000);
    await write("undone", "pack", 70, 1000);
    await write("undone", "only pack", 60, 1000);
    await put(thread, "undone", "2", "1");
    await saverOn().putWrites(at(thread, { checkpoint_id: "2", run_id: "undone" }), [["log", "of its own"]], "task");
    for (let n = 0; n < 2; n++) await saverOn().deleteRun(thread, "undone");
    const { pendingWrites = [] } = (await saverOn().getTuple(at(thread))) ?? {};
    expect(pendingWrites.map(([task, , value]) => `${task} ${(value as string[])[0]}`)).toEqual([
      ...Array.from({ length: 60 }, () => "pack kept"),
      ...Array.from({ length: 2 }, () => "single kept"),
    ]);
    await write("next", "single", 5, 10);
    await write("next", "pack", 61, 10);
    expect((await saverOn().getTuple(at(thread)))?.pendingWrites).toHaveLength(61 + 5);
    await put(thread, "next", "3", "2");
    const { log } = await saverOn().getDeltaChannelHistory({
      config: at(thread, { checkpoint_id: "3" }),
      channels: ["log"],
    });
    expect(log?.writes.map(([, , value]) => value)).toEqual(["of its own"]);
  });
});
