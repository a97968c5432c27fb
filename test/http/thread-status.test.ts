/** A thread's status says what its state does, however that came about, and whoever looks for it finds it by that. */
import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

const State = Annotation.Root({
  answer: Annotation<string>(),
  fails: Annotation<boolean>(),
  /** The number of times that it asks, less one. */
  more: Annotation<number>(),
});
const asking: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("ask", ({ fails, more = 0 }) => {
      if (fails) throw new Error("as asked");
      for (let n = 0; n < more; n++) interrupt(`and ${n}?`);
      return { answer: interrupt("well?") as string };
    })
    .addNode("say", () => ({}))
    .addEdge(START, "ask")
    .addEdge("ask", "say")
    .compile({ ...(checkpointer && { checkpointer }) }) as unknown as ReturnType<GraphFactory>;

interface ThreadJson {
  thread_id: string;
  status: string;
}
interface StateJson {
  next: string[];
  tasks: { error: unknown; interrupts: unknown[] }[];
  checkpoint: { checkpoint_id: string };
}

describe.each(dynamoEngines)("on $name", (engine) => {
  let user: UserApi;
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { asking } });
  });
  afterAll(() => user.close());
  const ask = async <T>(method: string, path: string, body?: unknown) => (await user.ask<T>(method, path, body)).body;
  const newThread = async (body: object = {}) =>
    (await ask<ThreadJson>("POST", "/threads", { metadata: { graph_id: "asking" }, ...body })).thread_id;
  const run = (id: string, body: object = { input: { answer: "" } }) =>
    ask("POST", `/threads/${id}/runs/wait`, { assistant_id: "asking", ...body });
  const change = (id: string, body: object) => ask("POST", `/threads/${id}/state`, body);
  const waiting = async () => {
    const id = await newThread();
    await run(id);
    return id;
  };
  const askedAgain = async (more = 1) => {
    const id = await newThread();
    await run(id, { input: { more } });
    for (let n = 0; n < more; n++) await run(id, { command: { resume: "yes" } });
    return id;
  };
  const failed = async () => {
    const id = await newThread();
    await run(id, { input: { fails: true } });
    return id;
  };
  const copied = async (id: string) => (await ask<ThreadJson>("POST", `/threads/${id}/copy`)).thread_id;

  it.each<[string, string, () => Promise<string>]>([
    ["a run that waits", "interrupted", waiting],
    ["a run that failed", "error", failed],
    ["a run that asks a second time", "interrupted", () => askedAgain()],
    ["a run that asks again after each of three answers", "interrupted", () => askedAgain(3)],
    ["a copy of one that asks a second time", "interrupted", async () => copied(await askedAgain())],
    [
      "an answer to the second question",
      "idle",
      async () => {
        const id = await askedAgain();
        await run(id, { command: { resume: "yes" } });
        return id;
      },
    ],
    [
      "an answer by hand",
      "interrupted",
      async () => {
        const id = await waiting();
        await change(id, { values: { answer: "by hand" }, as_node: "ask" });
        return id;
      },
    ],
    [
      "an answer by hand to the last question",
      "idle",
      async () => {
        const id = await waiting();
        await change(id, { values: { answer: "by hand" }, as_node: "say" });
        return id;
      },
    ],
    [
      "a change after a failure",
      "idle",
      async () => {
        const id = await failed();
        await change(id, { values: { answer: "by hand" }, as_node: "say" });
        return id;
      },
    ],
    [
      "going back to where it waited",
      "interrupted",
      async () => {
        const id = await waiting();
        const { checkpoint } = await ask<StateJson>("GET", `/threads/${id}/state`);
        await run(id, { command: { resume: "yes" } });
        await change(id, { values: null, checkpoint_id: checkpoint.checkpoint_id });
        return id;
      },
    ],
    ["a copy of one that waits", "interrupted", async () => copied(await waiting())],
    ["a copy of one that failed", "error", async () => copied(await failed())],
    ["a copy of nothing", "idle", async () => copied(await newThread())],
    [
      "a copy of one that was answered",
      "idle",
      async () => {
        const id = await waiting();
        await run(id, { command: { resume: "yes" } });
        return copied(id);
      },
    ],
    [
      "supersteps that end before a node",
      "interrupted",
      () => newThread({ supersteps: [{ updates: [{ values: { answer: "a" }, as_node: "ask" }] }] }),
    ],
    [
      "supersteps that end",
      "idle",
      () =>
        newThread({
          supersteps: ["ask", "say"].map((as_node) => ({ updates: [{ values: { answer: "a" }, as_node }] })),
        }),
    ],
    [
      "a run in its line that was cancelled before it began",
      "interrupted",
      async () => {
        const id = await waiting();
        const body = { assistant_id: "asking", input: {}, after_seconds: 600 };
        const { run_id } = await ask<{ run_id: string }>("POST", `/threads/${id}/runs`, body);
        await ask("POST", `/threads/${id}/runs/${run_id}/cancel?wait=1`);
        return id;
      },
    ],
  ])("%s leaves it %s", async (_what, status, make) => {
    const id = await make();
    const shown = await ask<ThreadJson>("GET", `/threads/${id}`);
    const { next, tasks } = await ask<StateJson>("GET", `/threads/${id}/state`);
    const failure = tasks.some(({ error }) => error !== null);
    const isWaiting = next.length > 0 || tasks.some(({ interrupts }) => interrupts.length > 0);
    expect({ status: shown.status, says: failure ? "error" : isWaiting ? "interrupted" : "idle" }).toEqual({
      status,
      says: status,
    });
    for (const asked of ["idle", "interrupted", "error"]) {
      const found = await ask<ThreadJson[]>("POST", "/threads/search", { status: asked, ids: [id] });
      expect(found.map(({ thread_id }) => thread_id)).toEqual(asked === status ? [id] : []);
    }
  });
});
