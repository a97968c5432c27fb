/** threads.search, count and history: what they find, against an oracle, and how many requests they take. */
import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import { contains } from "@tenure/core/contains";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { type CountedEndpoint, countedEndpoint } from "../support/stores/counted-endpoint.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

const State = Annotation.Root({
  topic: Annotation<string>(),
  count: Annotation<number>(),
  long: Annotation<string>(),
  waits: Annotation<boolean>(),
});
const topical: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("say", ({ waits }) => (waits ? { topic: interrupt("which?") as string } : {}))
    .addEdge(START, "say")
    .compile({ ...(checkpointer && { checkpointer }) }) as unknown as ReturnType<GraphFactory>;

type Shown = Record<string, unknown> & { thread_id: string; metadata: { n?: number }; values: object | null };
const THREADS = 24;

describe.each(dynamoEngines)("on $name", (engine) => {
  let counted: CountedEndpoint;
  let user: UserApi;
  let all: Shown[];
  beforeAll(async () => {
    counted = await countedEndpoint(engine);
    user = await openUserApi(counted.engine, { graphs: { topical } });
    for (let n = 0; n < THREADS; n++) {
      const { body } = await user.ask<Shown>("POST", "/threads", { metadata: { n: n % 5 } });
      const input = {
        ...{ topic: n % 2 ? "odd" : "even", count: n % 3, waits: n % 7 === 3 },
        long: `${n % 4} ${"x".repeat(400)}`,
      };
      const run = { assistant_id: "topical", input };
      if (n % 6 !== 5) await user.ask("POST", `/threads/${body.thread_id}/runs/wait`, run);
      const change = { values: { topic: "by hand" }, as_node: "say" };
      if (n % 8 === 2) await user.ask("POST", `/threads/${body.thread_id}/state`, change);
    }
    all = (await user.ask<Shown[]>("POST", "/threads/search", { limit: 1000 })).body;
  });
  afterAll(async () => {
    await user.close();
    await counted.close();
  });

  const filters: [string, object][] = [
    ["nothing", {}],
    ["metadata", { metadata: { n: 2 } }],
    ["a status", { status: "interrupted" }],
    ["a small value", { values: { topic: "odd" } }],
    ["a value by hand", { values: { topic: "by hand" } }],
    ["small values", { values: { topic: "even", count: 0 } }],
    ["a large value", { values: { long: `1 ${"x".repeat(400)}` } }],
    ["a small value and a large one", { values: { topic: "odd", long: `3 ${"x".repeat(400)}` } }],
    ["a value that none has", { values: { nothing: 1 } }],
    ["a value and a status", { status: "idle", values: { count: 1 } }],
    ["no value", { values: {} }],
  ];
  const orders = ["created_at", "updated_at", "thread_id", "status"].flatMap((sort_by) =>
    ["asc", "desc"].map((sort_order) => ({ sort_by, sort_order })),
  );

  it.each(filters)("finds what has %s, in every order, page by page", async (_what, filter) => {
    const { metadata = {}, status, values } = filter as { metadata?: object; status?: string; values?: object };
    const expected = all.filter(
      (one) =>
        contains(one.metadata, metadata) &&
        (!status || one.status === status) &&
        (!values || contains(one.values ?? {}, values)),
    );
    expect((await user.ask("POST", "/threads/count", filter)).body).toBe(expected.length);
    for (const order of orders) {
      const key = (one: Shown) => String(one[order.sort_by]);
      const sign = order.sort_order === "asc" ? 1 : -1;
      const sorted = expected.toSorted(
        (a, b) => sign * (key(a) < key(b) || (key(a) === key(b) && a.thread_id < b.thread_id) ? -1 : 1),
      );
      const found: Shown[] = [];
      for (let offset = 0; offset >= 0; ) {
        const asked = { ...filter, ...order, offset, limit: 5 };
        const { body, headers } = await user.ask<Shown[]>("POST", "/threads/search", asked);
        found.push(...body);
        const hasMore = found.length < expected.length;
        expect(headers.get("X-Pagination-Total")).toBe(String(found.length + (hasMore ? 1 : 0)));
        expect(headers.get("X-Pagination-Next")).toBe(hasMore ? String(found.length) : null);
        offset = hasMore ? found.length : -1;
      }
      expect([order, found.map(({ thread_id }) => thread_id)]).toEqual([
        order,
        sorted.map(({ thread_id }) => thread_id),
      ]);
      expect(found).toEqual(sorted);
    }
  });

  it("looks ids up, of this user's threads only", async () => {
    const ids = [3, 17, 9].map((n) => (all[n] as Shown).thread_id);
    const asked = { ids: [...ids, crypto.randomUUID(), ids[0]], select: ["thread_id"] };
    counted.reset();
    const { body } = await user.ask<Shown[]>("POST", "/threads/search", asked);
    expect(body.map(({ thread_id }) => thread_id)).toEqual([3, 9, 17].map((n) => (all[n] as Shown).thread_id));
    expect(counted.calls).toEqual({ GetItem: 4 });
    expect((await user.ask("POST", "/threads/count", { ids })).body).toBe(3);
  });

  it.each<[string, object, Record<string, number>]>([
    ["a long page in the order of the index", { limit: 20, select: ["thread_id"] }, { Query: 2 }],
    ["a page of another order", { limit: 10, select: ["thread_id"], sort_by: "updated_at" }, { Query: 2 }],
    ["a value that the index has", { values: { topic: "nothing" } }, { Query: 2 }],
    ["a metadata filter", { metadata: { n: 77 } }, { Query: 2 }],
  ])("takes one request of the index for %s, and one of the owner's ids", async (_what, asked, calls) => {
    // Threads that wait, and those without a run, are those whose states are looked at: of the latter there is none.
    const status = "values" in asked ? { status: "idle" } : {};
    counted.reset();
    expect((await user.ask("POST", "/threads/search", { ...asked, ...status })).status).toBe(200);
    expect(counted.calls).toEqual(calls);
  });

  it("reads a bounded number of states, and says what to narrow the search by", async () => {
    await user.become("many@example.com");
    const owner = (await user.api.deps.users.find("many@example.com"))?.id as string;
    const one = (n: number) => ({ id: crypto.randomUUID(), owner, metadata: { n } });
    // Threads of which the record tells nothing.
    for (let n = 0; n <= 500; n++) await user.api.deps.threads.create(one(n % 2));
    const asked = { values: { long: "x" } };
    for (const path of ["/threads/search", "/threads/count"]) {
      const { status, body } = await user.ask<{ type: string; detail: string }>("POST", path, asked);
      expect([status, body.type]).toEqual([400, "/api/problems/invalid-input"]);
      expect((await user.ask("POST", path, { ...asked, metadata: { n: 1 } })).status).toBe(200);
    }
    await user.become("ada@example.com");
    // The login's own entry is written behind its answer.
    await user.api.deps.activity.flush(60_000);
  });

  it("reads no further than a short page, and asks for each thread on it", async () => {
    counted.reset();
    await user.ask("POST", "/threads/search", { limit: 3, select: ["thread_id"] });
    expect(counted.items).toBe(4);
    expect(counted.calls).toEqual({ Query: 1, GetItem: 4 });
  });

  it("sends a history while it is read, and breaks off where it fails", async () => {
    const { thread_id } = (await user.ask<Shown>("POST", "/threads", { metadata: { graph_id: "topical" } })).body;
    for (let step = 0; step < 120; step++)
      await user.ask("POST", `/threads/${thread_id}/state`, { values: { count: step }, as_node: "say" });
    counted.reset();
    const whole = await user.ask<Shown[]>("POST", `/threads/${thread_id}/history`, { limit: 1000 });
    expect(whole.body.map(({ values }) => (values as { count: number }).count)).toEqual(
      Array.from({ length: 120 }, (_, i) => 119 - i),
    );
    const requests = Object.values(counted.calls).reduce((sum, calls) => sum + calls, 0);
    counted.refuseAfter(requests - 1);
    await expect(user.ask("POST", `/threads/${thread_id}/history`, { limit: 1000 })).rejects.toThrow();
    counted.refuseAfter(2);
    const refused = await user.ask<{ type: string }>("POST", `/threads/${thread_id}/history`, { limit: 1000 });
    expect([refused.status, refused.body.type]).toEqual([503, "/api/problems/misconfigured"]);
    counted.reset();
  });
});
