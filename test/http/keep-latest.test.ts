/** `keep_latest` through the API, with a clock that is moved: of what was there at the deadline only the latest state is left, for every reader. */
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

const MINUTE = 60_000;
const KEEP = { ttl: 5, strategy: "keep_latest" };

const State = Annotation.Root({
  said: Annotation<string[]>({ reducer: (all, more) => [...all, ...more], default: () => [] }),
  text: Annotation<string>(),
});
const Inner = Annotation.Root({ ...State.spec, seen: Annotation<number>() });

/** Says something; then asks within a graph of its own, which stops for the answer. */
const talking: GraphFactory = ({ checkpointer }) => {
  const inner = new StateGraph(Inner)
    .addNode("look", () => ({ seen: 1 }))
    .addNode("ask", () => ({ said: [String(interrupt("Which?"))] }))
    .addEdge(START, "look")
    .addEdge("look", "ask")
    .addEdge("ask", END)
    .compile();
  return new StateGraph(State)
    .addNode("say", ({ said }) => ({
      said: [`${said.length}`],
      text: Array.from({ length: 400 }, () => crypto.randomUUID()).join(),
    }))
    .addNode("inner", inner)
    .addEdge(START, "say")
    .addConditionalEdges("say", ({ said }) => (said.includes("ask") ? "inner" : END))
    .compile({ ...(checkpointer && { checkpointer }) });
};

interface StateAnswer {
  values: { said?: string[]; text?: string };
  next: string[];
  checkpoint: { checkpoint_id: string };
  tasks: { interrupts: unknown[]; state: { values: unknown } | null }[];
}

describe.each(dynamoEngines)("keep_latest on $name", (engine) => {
  let user: UserApi;
  let moved = 0;
  const clock = { now: () => Date.now() + moved };
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { talking }, clock });
  });
  afterAll(() => user.close());

  const make = async (body: object) => (await user.ask<{ thread_id: string }>("POST", "/threads", body)).body.thread_id;
  const run = (id: string, more: object = { input: { said: ["hello"] } }) =>
    user.ask<Record<string, unknown>>("POST", `/threads/${id}/runs/wait`, { assistant_id: "talking", ...more });
  const state = (id: string, query = "") => user.ask<StateAnswer>("GET", `/threads/${id}/state${query}`);
  const history = async (id: string) =>
    (await user.ask<StateAnswer[]>("POST", `/threads/${id}/history`, { limit: 100 })).body;
  const idsOf = (all: StateAnswer[]) => all.map(({ checkpoint }) => checkpoint.checkpoint_id);
  const stored = async (id: string) => {
    const { Items = [] } = await user.table.client.send(new ScanCommand({ TableName: user.table.tableName }));
    const kinds = Items.filter(({ pk }) => pk === `checkpoint#${id}`).map(({ sk }) => String(sk).split("#")[0]);
    return Object.fromEntries(
      ["head", "segment", "writes"].map((one) => [one, kinds.filter((kind) => kind === one).length]),
    );
  };

  const storage = async (id: string) =>
    (await user.ask<{ bytes: number; kinds: { segments: { bytes: number } } }>("GET", `/threads/${id}/storage`)).body;

  it("is shown, and leaves the latest state alone at the deadline", async () => {
    const id = await make({ ttl: KEEP });
    for (let turn = 0; turn < 4; turn++) await run(id);
    const { body } = await user.ask<{ ttl: object }>("GET", `/threads/${id}?include=ttl`);
    expect(body.ttl).toMatchObject({ strategy: "keep_latest", ttl_minutes: 5 });
    const before = await history(id);
    const latest = (await state(id)).body;
    expect(before.length).toBe(12);
    moved += 6 * MINUTE;
    expect((await state(id)).body).toEqual(latest);
    expect(idsOf(await history(id))).toEqual(idsOf(before).slice(0, 1));
    const [, old] = idsOf(before);
    const routes: [string, string, object?][] = [
      ["POST", "/state/checkpoint", { checkpoint: { checkpoint_id: old } }],
      ["GET", `/state/${old}`],
      ["GET", `/state/${old}?select=values`],
      ["POST", "/state", { values: { said: ["no"] }, checkpoint_id: old }],
      ["POST", "/runs/wait", { assistant_id: "talking", input: {}, checkpoint_id: old }],
      ["POST", "/runs", { assistant_id: "talking", input: {}, checkpoint: { checkpoint_id: old } }],
    ];
    for (const [method, path, asked] of routes) {
      const { status, body: answer } = await user.ask<{ type: string }>(method, `/threads/${id}${path}`, asked);
      expect([path, status, answer.type]).toEqual([path, 404, "/api/problems/checkpoint-not-found"]);
    }
    const found = await user.ask<StateAnswer[]>("POST", "/threads/search", { ids: [id] });
    expect(found.body[0]?.values).toEqual(latest.values);
    const copy = (await user.ask<{ thread_id: string }>("POST", `/threads/${id}/copy`, {})).body.thread_id;
    expect((await state(copy)).body.values).toEqual(latest.values);
    expect(await history(copy)).toHaveLength(1);
  });

  it("goes on from the latest state, of which nothing is lost by the sweep", async () => {
    const id = await make({ ttl: KEEP });
    for (let turn = 0; turn < 20; turn++) await run(id);
    const [latest, full, large] = [(await state(id)).body, await stored(id), await storage(id)];
    moved += 6 * MINUTE;
    await user.api.runner.sweep();
    expect((await state(id)).body).toEqual(latest);
    const left = await stored(id);
    // The latest state refers to bytes of 40 heads back at most.
    expect(full.head).toBe(60);
    expect(left.head).toBeLessThanOrEqual(41);
    expect((await storage(id)).kinds.segments.bytes).toBeLessThan(large.kinds.segments.bytes / 4);
    expect(left.writes).toBe(0);
    // Another sweep has nothing to do, and the marker is gone.
    await user.api.runner.sweep();
    expect(await stored(id)).toEqual(left);
    await run(id);
    expect((await state(id)).body.values.said).toHaveLength(42);
    const since = await history(id);
    expect(idsOf(since).at(-1)).toBe(latest.checkpoint.checkpoint_id);
    moved += 4 * MINUTE;
    expect(await history(id)).toHaveLength(since.length);
    moved += 2 * MINUTE;
    expect(idsOf(await history(id))).toEqual(idsOf(since).slice(0, 1));
    await user.api.runner.sweep();
    expect((await state(id)).body.values.said).toHaveLength(42);
  });

  it("keeps the state of a graph within that waits for an answer, and no other", async () => {
    const id = await make({ ttl: KEEP });
    await run(id);
    await run(id, { input: { said: ["ask"] } });
    const waiting = (await state(id, "?subgraphs=true")).body;
    expect(waiting.tasks[0]?.interrupts).toHaveLength(1);
    moved += 6 * MINUTE;
    expect((await state(id, "?subgraphs=true")).body).toEqual(waiting);
    await user.api.runner.sweep();
    expect((await state(id, "?subgraphs=true")).body).toEqual(waiting);
    const answered = await run(id, { command: { resume: "this one" } });
    expect((answered.body.said as string[]).at(-1)).toBe("this one");
  });

  it("is seen in the storage that the thread takes up, which its owner is told", async () => {
    const id = await make({ ttl: KEEP });
    for (let turn = 0; turn < 15; turn++) await run(id);
    const [before, latest] = [await storage(id), (await state(id)).body.checkpoint.checkpoint_id];
    const newest = [{ checkpoint_ns: "", checkpoint_id: latest }];
    expect(before).toMatchObject({ thread_id: id, is_part: false, checkpoints: 45, damaged: [], newest });
    const { head, segment, writes } = await stored(id);
    expect(before).toMatchObject({
      kinds: { heads: { items: head }, segments: { items: segment }, writes: { items: writes }, blobs: { items: 0 } },
      items: Number(head) + Number(segment) + Number(writes),
    });
    moved += 6 * MINUTE;
    await user.api.runner.sweep();
    const after = await storage(id);
    expect(after).toMatchObject({ newest });
    expect(after.bytes).toBeLessThan(before.bytes / 2);
    await user.become("eve@example.com");
    expect((await user.ask("GET", `/threads/${id}/storage`)).status).toBe(404);
    await user.become("ada@example.com");
  });

  it("is set by an update, and taken back by one", async () => {
    const id = await make({});
    await run(id);
    await user.ask("PATCH", `/threads/${id}`, { ttl: KEEP });
    moved += 6 * MINUTE;
    expect(await history(id)).toHaveLength(1);
    await user.ask("PATCH", `/threads/${id}`, { ttl: { ttl: 5, strategy: "delete" } });
    await run(id);
    // A checkpoint that has gone does not come back.
    expect(await history(id)).toHaveLength(4);
    moved += 6 * MINUTE;
    expect((await state(id)).status).toBe(404);
  });

  it("is what prune does at once, or as soon as no run is under way", async () => {
    const [idle, busy] = [await make({}), await make({})];
    for (const id of [idle, busy]) await run(id);
    await user.ask("POST", `/threads/${busy}/runs`, { assistant_id: "talking", input: {}, after_seconds: 60 });
    const asked = { thread_ids: [idle, busy, crypto.randomUUID()], strategy: "keep_latest" };
    expect((await user.ask("POST", "/threads/prune", asked)).body).toEqual({ pruned_count: 2 });
    expect([(await history(idle)).length, (await history(busy)).length]).toEqual([1, 3]);
    moved += 61_000;
    await user.api.runner.sweep();
    await expect.poll(async () => (await history(busy)).length).toBe(1);
    expect((await state(busy)).body.values.said).toHaveLength(3);
    moved += 2 * MINUTE;
    await user.api.runner.sweep();
    expect((await stored(busy)).writes).toBe(0);
    expect((await state(idle)).body.values.said).toHaveLength(2);
  });
});

describe.each(dynamoEngines)("the sweep of keep_latest on $name", (engine) => {
  let user: UserApi;
  let moved = 0;
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { talking }, clock: { now: () => Date.now() + moved } });
  });
  afterAll(() => user.close());

  const stored = async (id: string) => {
    const { Items = [] } = await user.table.client.send(new ScanCommand({ TableName: user.table.tableName }));
    return Items.filter(({ pk }) => String(pk).includes(id)).map(({ sk }) => String(sk).split("#")[0] as string);
  };
  const sweepLater = async (minutes: number) => {
    moved += minutes * MINUTE;
    await user.api.runner.sweep();
  };
  const made = async (body: object) => {
    const id = (await user.ask<{ thread_id: string }>("POST", "/threads", body)).body.thread_id;
    await user.ask("POST", `/threads/${id}/runs/wait`, { assistant_id: "talking", input: { said: ["hello"] } });
    return id;
  };

  it.each([
    ["a run that waits", { ttl: KEEP }, undefined],
    ["a run that waits, after a prune", { ttl: KEEP }, "keep_latest"],
  ])("comes again to a thread whose deadline passed during %s", async (_what, body, strategy) => {
    const id = await made(body);
    const asked = { assistant_id: "talking", input: {}, after_seconds: 600 };
    const { run_id } = (await user.ask<{ run_id: string }>("POST", `/threads/${id}/runs`, asked)).body;
    if (strategy) await user.ask("POST", "/threads/prune", { thread_ids: [id], strategy });
    await sweepLater(6);
    await user.ask("POST", `/threads/${id}/runs/${run_id}/cancel?wait=true`);
    for (let sweep = 0; sweep < 3; sweep++) await sweepLater(6);
    expect((await stored(id)).filter((kind) => kind === "writes" || kind === "deadline")).toEqual([]);
  });

  it("does not come back to a thread that is pruned once more, and to which nothing happens", async () => {
    const id = await made({});
    for (let prune = 0; prune < 2; prune++) {
      const asked = { thread_ids: [id], strategy: "keep_latest" };
      expect((await user.ask("POST", "/threads/prune", asked)).body).toEqual({ pruned_count: 1 });
      for (let sweep = 0; sweep < 2; sweep++) await sweepLater(2);
      expect((await stored(id)).filter((kind) => kind === "writes" || kind === "deadline")).toEqual([]);
    }
  });
});

describe("keep_latest of the service", () => {
  it("is that of threads that ask for no lifetime, also of those that a run makes", async () => {
    let moved = 0;
    const [engine] = dynamoEngines as [(typeof dynamoEngines)[number]];
    const user = await openUserApi(engine, {
      ...{ graphs: { talking }, clock: { now: () => Date.now() + moved } },
      ...{ threadTtlMs: 10 * MINUTE, threadStrategy: "keep_latest" as const },
    });
    try {
      const run = { assistant_id: "talking", input: { said: ["hello"] }, if_not_exists: "create" };
      const made = crypto.randomUUID();
      const plain = (await user.ask<{ thread_id: string }>("POST", "/threads", {})).body.thread_id;
      const other = (await user.ask<{ thread_id: string }>("POST", "/threads", { ttl: 10 })).body.thread_id;
      const seen = async () =>
        Promise.all(
          [made, plain, other].map(async (id) => {
            const { status, body } = await user.ask<unknown[]>("POST", `/threads/${id}/history`, {});
            return status === 200 ? body.length : status;
          }),
        );
      for (const id of [made, plain, other]) await user.ask("POST", `/threads/${id}/runs/wait`, run);
      expect(await seen()).toEqual([3, 3, 3]);
      moved += 11 * MINUTE;
      expect(await seen()).toEqual([1, 1, 404]);
    } finally {
      await user.close();
    }
  });
});
