/** Graphs as files beside the default one may define them: made once or for each run, and what is told of their state. */
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { Client } from "@langchain/langgraph-sdk";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { graphFactory } from "../compat/fixture.ts";
import { chat } from "../reference/graphs.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

const State = Annotation.Root({
  visited: Annotation<string[]>({ reducer: (kept, added) => kept.concat(added), default: () => [] }),
});
const bare = (nodeName: string) =>
  new StateGraph(State).addNode(nodeName, () => ({ visited: [nodeName] })).addEdge(START, nodeName as never);

/** A graph whose one node has the name that the run is configured with. */
const tailored: GraphFactory =
  ({ checkpointer }) =>
  async ({ configurable }) => {
    const nodeName = String(configurable?.nodeName ?? "plain");
    if (nodeName === "broken") throw new Error("there is no such node");
    return bare(nodeName).compile({ ...(checkpointer && { checkpointer }) });
  };

const outer: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("inside", bare("inner").compile())
    .addEdge(START, "inside")
    .compile({ ...(checkpointer && { checkpointer }) });

const schemas = {
  outer: { "": { state: { title: "outer" }, config: { title: "context" } }, inside: { state: { title: "inner" } } },
};

const chatFactory = graphFactory(chat);

let stack: TestStack;
let client: Client<{ visited: string[] }>;
beforeAll(async () => {
  stack = await startTestStack({}, { graphs: { tailored, outer, ...(chatFactory && { chat: chatFactory }) }, schemas });
  const apiKey = await stack.logIn("graphs@example.com");
  client = new Client({ apiUrl: stack.api, apiKey, callerOptions: { maxRetries: 0 } });
});
afterAll(() => stack.close());

describe("a graph that is made for each run", () => {
  const configured = (nodeName: string) => ({ input: {}, config: { configurable: { nodeName } } });

  it("is made of what the run, the assistant and the thread are configured with", async () => {
    expect(await client.runs.wait(null, "tailored", { input: {} })).toEqual({ visited: ["plain"] });
    expect(await client.runs.wait(null, "tailored", configured("run"))).toEqual({ visited: ["run"] });
    const assistant = await client.assistants.create({
      graphId: "tailored",
      config: { configurable: { nodeName: "assistant" } },
    });
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, assistant.assistant_id, { input: {} });
    // The thread's state is read and changed by the graph that the last run had.
    await client.threads.updateState(thread_id, { values: { visited: ["by hand"] }, asNode: "assistant" });
    const { values } = await client.threads.getState(thread_id);
    expect(values).toEqual({ visited: ["assistant", "by hand"] });
    const { nodes } = await client.assistants.getGraph(assistant.assistant_id);
    expect(nodes.map(({ id }) => id)).toContain("assistant");
  });

  it("ends its run with an error when it cannot be made, and the thread is free", async () => {
    const { thread_id } = await client.threads.create();
    await expect(client.runs.wait(thread_id, "tailored", configured("broken"))).rejects.toThrow("no such node");
    expect(await client.threads.get(thread_id)).toMatchObject({ status: "error", values: null });
    expect(await client.threads.search({ ids: [thread_id] })).toMatchObject([{ values: null }]);
    await expect(client.threads.getState(thread_id)).rejects.toMatchObject({ status: 400 });
    expect(await client.runs.wait(thread_id, "tailored", configured("whole"))).toEqual({ visited: ["whole"] });
  });
});

describe("a thread", () => {
  const stops = [
    { name: "an interrupt in a subgraph", payload: { input: { todo: "inner" } } },
    { name: "interrupt_before", payload: { input: {}, interruptBefore: ["end"] } },
    { name: "interrupt_after", payload: { input: {}, interruptAfter: "*" } },
    { name: "nothing", payload: { input: {} } },
  ] as const;
  // Values and updates tell an interrupt, of a subgraph with its namespace; other events do not.
  const ways = [
    { streamMode: ["values"], streamSubgraphs: false },
    { streamMode: ["values"], streamSubgraphs: true },
    { streamMode: ["updates"], streamSubgraphs: false },
    { streamMode: ["updates"], streamSubgraphs: true },
    { streamMode: ["messages-tuple"], streamSubgraphs: false },
    { streamMode: ["custom", "tasks"], streamSubgraphs: true },
    { streamMode: ["events"], streamSubgraphs: false },
  ];

  it.each(stops)("is interrupted when it is, whatever is asked of its events: $name", async ({ name, payload }) => {
    const ids = await Promise.all(
      ways.map(async (way) => {
        const threadId = crypto.randomUUID();
        const asked = { ...payload, ...way, ifNotExists: "create" } as never;
        for await (const _ of client.runs.stream(threadId, "chat", asked));
        return threadId;
      }),
    );
    const found = await client.threads.search({ ids });
    expect(found.map(({ status }) => status)).toEqual(ways.map(() => (name === "nothing" ? "idle" : "interrupted")));
    const { next } = await client.threads.getState(ids[0] ?? "");
    expect(next.length > 0).toBe(name !== "nothing");
  });
});

describe("schemas", () => {
  it("that only the source knows are those that were read in it", async () => {
    expect(await client.assistants.getSchemas("outer")).toEqual({
      graph_id: "outer",
      state_schema: { title: "outer" },
      input_schema: null,
      output_schema: null,
      config_schema: { title: "context" },
      context_schema: { title: "context" },
    });
    const { inside } = await client.assistants.getSubgraphs("outer");
    expect(inside).toMatchObject({ state: { title: "inner" }, state_schema: { title: "inner" }, output_schema: null });
  });

  it("of the default agent are known as it runs", async () => {
    const own = await startTestStack();
    const apiKey = await own.logIn("schemas@example.com");
    const { state_schema, input_schema } = await new Client({ apiUrl: own.api, apiKey }).assistants.getSchemas("agent");
    expect(state_schema).toMatchObject({
      properties: { messages: { langgraph_type: "messages" }, notes: { type: "array", items: { type: "string" } } },
    });
    expect(input_schema).toMatchObject({ properties: { notes: { items: { type: "string" } } } });
    await own.close();
  });
});
