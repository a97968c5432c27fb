/** Runs and changes that go on from an earlier checkpoint: one that is not there is refused, and takes nothing of the state away. */
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

const State = Annotation.Root({
  said: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  /** True when the second node waits until it is stopped. */
  waits: Annotation<boolean>(),
});
const talking: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("hear", () => ({ said: ["heard"] }))
    .addNode("answer", async ({ waits }, { signal }) => {
      if (waits)
        await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("stopped"))));
      return { said: ["answered"] };
    })
    .addEdge(START, "hear")
    .addEdge("hear", "answer")
    .addEdge("answer", END)
    .compile({ ...(checkpointer && { checkpointer }) }) as unknown as ReturnType<GraphFactory>;

interface StateJson {
  values: { said?: string[] };
  checkpoint: { checkpoint_id: string };
}
const UNKNOWN = "1ef00000-0000-6000-8000-000000000000";
const FIRST = ["one", "heard", "answered"];

describe.each(dynamoEngines)("on $name", (engine) => {
  let user: UserApi;
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { talking } });
  });
  afterAll(() => user.close());
  const ask = <T>(method: string, path: string, body?: unknown) => user.ask<T>(method, path, body);
  const body = { assistant_id: "talking" };
  const stateOf = async (id: string) => (await ask<StateJson>("GET", `/threads/${id}/state`)).body;
  const spokenTo = async () => {
    const { body: thread } = await ask<{ thread_id: string }>("POST", "/threads", {});
    await ask("POST", `/threads/${thread.thread_id}/runs/wait`, { ...body, input: { said: ["one"], waits: false } });
    return thread.thread_id;
  };

  it.each<[string, string, object]>([
    ["a run", "runs", { ...body, input: { said: ["two"] }, checkpoint_id: UNKNOWN }],
    ["a run that is waited for", "runs/wait", { ...body, input: null, checkpoint: { checkpoint_id: UNKNOWN } }],
    ["a run that is streamed", "runs/stream", { ...body, input: null, checkpoint: { checkpoint_id: UNKNOWN } }],
    ["a change of the state", "state", { values: { said: ["two"] }, checkpoint_id: UNKNOWN }],
    ["a change at a checkpoint", "state", { values: { said: ["two"] }, checkpoint: { checkpoint_id: UNKNOWN } }],
  ])("refuses %s that names no checkpoint of the thread", async (_what, path, asked) => {
    const id = await spokenTo();
    const { status, body } = await ask<{ type: string; detail: string }>("POST", `/threads/${id}/${path}`, asked);
    expect({ status, type: body.type }).toEqual({ status: 404, type: "/api/problems/checkpoint-not-found" });
    expect(body.detail).toContain(UNKNOWN);
    expect((await stateOf(id)).values.said).toEqual(FIRST);
  });

  it("answers a request that is repeated under its key as before, when its checkpoint is gone", async () => {
    const id = await spokenTo();
    const post = (path: string, key: string, asked: object) =>
      user.ask<{ run_id: string }>("POST", `/threads/${id}/${path}`, { ...body, ...asked }, { "Idempotency-Key": key });
    const slow = await post("runs", "slow", { input: { said: ["two"], waits: true } });
    while ((await stateOf(id)).values.said?.at(-1) !== "heard") await new Promise((resolve) => setTimeout(resolve, 20));
    const { checkpoint_id } = (await stateOf(id)).checkpoint;
    const fork = { input: { said: ["three"] }, multitask_strategy: "enqueue", checkpoint_id };
    const first = await post("runs", "fork", fork);
    await ask("POST", `/threads/${id}/runs/${slow.body.run_id}/cancel?action=rollback&wait=1`);
    const again = await post("runs", "fork", fork);
    expect([again.status, again.body.run_id]).toEqual([200, first.body.run_id]);
    expect((await post("runs", "another", fork)).status).toBe(404);
  });

  it("refuses a run without a thread at a checkpoint", async () => {
    const { status } = await ask("POST", "/runs/wait", { ...body, input: null, checkpoint_id: UNKNOWN });
    expect(status).toBe(404);
  });

  it("ends a run in an error whose checkpoint was rolled back before it began", async () => {
    const id = await spokenTo();
    const { checkpoint: before } = await stateOf(id);
    const begin = async (more: object) =>
      (await ask<{ run_id: string }>("POST", `/threads/${id}/runs`, { ...body, ...more })).body.run_id;
    const slow = await begin({ input: { said: ["two"], waits: true } });
    while ((await stateOf(id)).values.said?.at(-1) !== "heard") await new Promise((resolve) => setTimeout(resolve, 20));
    const { checkpoint: forked } = await stateOf(id);
    const fork = await begin({
      ...{ input: { said: ["three"], waits: false }, multitask_strategy: "enqueue" },
      checkpoint_id: forked.checkpoint_id,
    });
    await ask("POST", `/threads/${id}/runs/${slow}/cancel?action=rollback&wait=1`);
    await ask("GET", `/threads/${id}/runs/${fork}/join`);
    const { body: run } = await ask<{ status: string }>("GET", `/threads/${id}/runs/${fork}`);
    expect(run.status).toBe("error");
    expect((await stateOf(id)).values.said).toEqual(FIRST);
    expect((await stateOf(id)).checkpoint).toEqual(before);
  });

  it("shows nothing of a run that was rolled back, by its ids and in what is stored", async () => {
    const id = await spokenTo();
    const { checkpoint: before } = await stateOf(id);
    const asked = { ...body, input: { said: ["two"], waits: true } };
    const { run_id } = (await ask<{ run_id: string }>("POST", `/threads/${id}/runs`, asked)).body;
    while ((await stateOf(id)).values.said?.at(-1) !== "heard") await new Promise((resolve) => setTimeout(resolve, 20));
    const { checkpoint_id: gone } = (await stateOf(id)).checkpoint;
    const newest = async () =>
      (await ask<{ newest: { checkpoint_id: string }[] }>("GET", `/threads/${id}/storage`)).body.newest.map(
        (one) => one.checkpoint_id,
      );
    expect(await newest()).toEqual([gone]);
    await ask("POST", `/threads/${id}/runs/${run_id}/cancel?action=rollback&wait=1`);
    expect(await newest()).toEqual([before.checkpoint_id]);
    for (const [method, path, more] of [
      ["GET", `state/${gone}`],
      ["POST", "state/checkpoint", { checkpoint: { checkpoint_id: gone } }],
      ["GET", `state/${UNKNOWN}`],
    ] as const)
      expect([path, (await ask(method, `/threads/${id}/${path}`, more)).status]).toEqual([path, 404]);
    expect((await ask("GET", `/threads/${id}/state/${before.checkpoint_id}`)).status).toBe(200);
  });
});
