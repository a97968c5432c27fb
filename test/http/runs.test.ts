/** Threads and runs through the official SDK client, on every set of engines. */
import { HumanMessage } from "@langchain/core/messages";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agent } from "../../packages/functions/src/graphs/agent.ts";
import { type Gates, startGates } from "../support/service/gate.ts";
import { gated, said, turn } from "../support/service/gated-graph.ts";
import { stackEngines, startTestStack, type TestStack } from "../support/service/stack.ts";

interface Message {
  id: string;
  type: string;
  content: string;
  tool_calls?: { name: string }[];
}
interface Values {
  messages: Message[];
  notes: string[];
  __interrupt__?: { id: string; value: unknown }[];
}
type Events = { event: string; data: unknown }[];

describe.each(stackEngines(5))("threads and runs on $name", ({ engines }) => {
  let stack: TestStack;
  let token: string;
  let client: Client<Values>;
  let gates: Gates;
  beforeAll(async () => {
    gates = await startGates();
    stack = await startTestStack(engines, { graphs: { agent, gated } });
    token = await stack.logIn("ada@example.com");
    client = new Client<Values>({ apiUrl: stack.api, apiKey: token, callerOptions: { maxRetries: 0 } });
  });
  afterAll(async () => {
    await stack.close();
    await gates.close();
  });

  const human = (content: string) => ({ messages: [{ type: "human", content }] });
  async function run(threadId: string, payload: object): Promise<Events> {
    const events: Events = [];
    for await (const event of client.runs.stream(threadId, "agent", payload)) events.push(event);
    return events;
  }
  const lastText = (messages: Message[]) => messages.at(-1)?.content;
  const newThread = async () => (await client.threads.create()).thread_id;

  it("makes, finds and refuses to remake a thread", async () => {
    const thread = await client.threads.create({ metadata: { topic: "x" } });
    expect(thread).toMatchObject({ status: "idle", metadata: { topic: "x" }, values: null, interrupts: {} });
    const { thread_id } = thread;
    expect(await client.threads.get(thread_id)).toMatchObject({ thread_id, created_at: thread.created_at });
    expect(await client.threads.getState(thread_id)).toMatchObject({
      values: {},
      next: [],
      tasks: [],
      checkpoint: null,
    });
    await expect(client.threads.create({ threadId: thread_id })).rejects.toMatchObject({ status: 409 });
    const same = await client.threads.create({ threadId: thread_id, ifExists: "do_nothing" });
    expect(same.created_at).toBe(thread.created_at);
  });

  it("streams an answer with a tool call, and keeps it", async () => {
    const threadId = await newThread();
    const events = await run(threadId, { input: human("What is 6 * 7?"), streamMode: ["values", "updates"] });
    expect(events[0]).toMatchObject({ event: "metadata", data: { run_id: expect.any(String), attempt: 1 } });
    const nodes = events.filter(({ event }) => event === "updates").flatMap(({ data }) => Object.keys(data as object));
    expect(nodes).toEqual(["model", "tools", "model"]);
    const { values, next, checkpoint } = await client.threads.getState(threadId);
    expect(values.messages.map(({ type }) => type)).toEqual(["human", "ai", "tool", "ai"]);
    expect(lastText(values.messages)).toMatch(/^42\. .*no language model/);
    expect(events.filter(({ event }) => event === "values").at(-1)?.data).toEqual(values);
    expect([next, checkpoint]).toEqual([[], expect.objectContaining({ thread_id: threadId, checkpoint_ns: "" })]);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle", values: { notes: [] } });
  });

  it.each(["messages", "messages-tuple"] as const)("streams the words as they come: %s", async (streamMode) => {
    const events = await run(await newThread(), { input: human("Hello"), streamMode: [streamMode] });
    if (streamMode === "messages") {
      const parts = events
        .filter(({ event }) => event === "messages/partial")
        .map(({ data }) => (data as Message[])[0]);
      const texts = parts.map((part) => part?.content ?? "");
      for (const [i, text] of texts.entries()) expect(text.startsWith(texts[i - 1] ?? "")).toBe(true);
      expect(texts.length).toBeGreaterThan(10);
      expect(events.filter(({ event }) => event === "messages/metadata")).toHaveLength(1);
      const complete = events
        .filter(({ event }) => event === "messages/complete")
        .flatMap(({ data }) => data as Message[]);
      expect(complete.map(({ type }) => type)).toEqual(["human", "ai"]);
    } else {
      const deltas = events
        .filter(({ event }) => event === "messages")
        .map(({ data }) => (data as [Message])[0].content);
      expect(deltas.length).toBeGreaterThan(10);
      expect(deltas.join("")).toContain("offline agent");
    }
    expect(events.some(({ event }) => event === "values")).toBe(false);
  });

  it.each([
    [{ approved: true }, ["buy milk"], /^Saved: buy milk/],
    [false, [], /^The user declined save_note/],
  ])("waits for a person, across a restart, and goes on with %j", async (resume, notes, answer) => {
    const threadId = await newThread();
    const asked = await run(threadId, { input: human("remember: buy milk") });
    const interrupt = (asked.at(-1) as { data: Values }).data.__interrupt__?.[0];
    expect(interrupt?.value).toMatchObject({ kind: "approval", tool: "save_note", args: { note: "buy milk" } });
    const waiting = await client.threads.get(threadId);
    expect(waiting.status).toBe("interrupted");
    expect(Object.values(waiting.interrupts).flat()).toEqual([interrupt]);

    await stack.restart();
    const state = await client.threads.getState(threadId);
    expect([state.next, state.tasks[0]?.interrupts]).toEqual([["approval"], [interrupt]]);
    await run(threadId, { command: { resume } });
    const { values, next } = await client.threads.getState(threadId);
    expect([values.notes, next]).toEqual([notes, []]);
    expect(lastText(values.messages)).toMatch(answer);
  });

  it("continues a thread where it was after a restart", async () => {
    const threadId = await newThread();
    await run(threadId, { input: human("one") });
    await stack.restart();
    await run(threadId, { input: human("two") });
    const { values } = await client.threads.getState(threadId);
    expect(values.messages.map(({ type }) => type)).toEqual(["human", "ai", "human", "ai"]);
    expect(lastText(values.messages)).toContain("You have sent 2 messages");
  });

  it("takes LangChain's messages, and refuses what could not be read again", async () => {
    const threadId = await newThread();
    await run(threadId, { input: { messages: [new HumanMessage("one")] } });
    const { values } = await client.threads.getState(threadId);
    expect(values.messages[0]).toMatchObject({ type: "human", content: "one" });
    const deep = (levels: number): unknown => (levels === 0 ? "x" : [deep(levels - 1)]);
    for (const input of [
      { messages: [{ role: "user", content: deep(60) }] },
      { messages: [{ role: "user", content: deep(3000) }] },
      { notes: [{ lc: 1, type: "constructor", id: ["langchain_core", "prompts", "PromptTemplate"], kwargs: {} }] },
      { notes: [{ lc: 1, type: "constructor", id: ["nope", "nope"], kwargs: {} }] },
      { notes: [{ lc: 2, type: "constructor", id: ["Set"], args: [[]] }] },
    ])
      await expect(run(threadId, { input })).rejects.toMatchObject({ status: 400 });
    expect((await client.threads.getState(threadId)).values).toEqual(values);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("runs one run at a time on a thread, and refuses the others with 422", async () => {
    const [threadId, gate] = [await newThread(), gates.add()];
    let refused = 0;
    const outcomes = await Promise.allSettled(
      ["a", "b", "c"].map(async (content) => {
        try {
          await client.runs.wait(threadId, "gated", turn(1, { content, gate }));
        } catch (error) {
          // The one that is under way ends when the others have been refused.
          if (++refused === 2) gate.open();
          throw error;
        }
      }),
    );
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.status] : []));
    expect(reasons).toEqual([422, 422]);
    const { values } = await client.threads.getState(threadId);
    expect(values.messages.map(({ type }) => type)).toEqual(["human", "ai"]);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("finishes a run whose client went away", async () => {
    const [threadId, gate] = [await newThread(), gates.add()];
    const abort = new AbortController();
    const stream = client.runs.stream(threadId, "gated", {
      ...turn(2, { gate }),
      signal: abort.signal,
      onDisconnect: "continue",
    });
    await stream.next();
    await gate.reached(0);
    abort.abort();
    gate.open();
    await expect.poll(async () => (await client.threads.get(threadId)).status).toBe("idle");
    const { values } = await client.threads.getState(threadId);
    expect(values.messages.map(({ content }) => content)).toEqual(said(2));
  });

  it("takes a run on a thread that it makes, an assistant by its id, and messages as OpenAI writes them", async () => {
    const threadId = crypto.randomUUID();
    const stream = client.runs.stream(threadId, "fe096781-5601-53d2-b2f6-0d3403f7e9ca", {
      input: { messages: [{ role: "user", content: "hi" }] },
      ifNotExists: "create",
    });
    for await (const { event } of stream) expect(["metadata", "values"]).toContain(event);
    expect((await client.threads.getState(threadId)).values.messages).toHaveLength(2);
  });

  it("keeps another user's threads to themselves", async () => {
    const threadId = await newThread();
    await run(threadId, { input: human("secret") });
    const eve = await stack.logIn("eve@example.com");
    const body = { assistant_id: "agent", input: human("mine now"), if_not_exists: "create" };
    for (const [method, path, sent] of [
      ["GET", `/threads/${threadId}`, undefined],
      ["GET", `/threads/${threadId}/state`, undefined],
      ["POST", `/threads/${threadId}/runs/stream`, body],
      ["POST", "/threads", { thread_id: threadId, if_exists: "do_nothing" }],
    ] as const) {
      const response = await stack.request(method, path, { token: eve, ...(sent && { body: sent }) });
      expect([path, response.status, await response.json()]).toEqual([
        path,
        404,
        expect.objectContaining({ type: "/api/problems/thread-not-found" }),
      ]);
    }
    expect((await client.threads.getState(threadId)).values.messages).toHaveLength(2);
  });

  it("does not let a client choose whose thread a run writes to, or replace LangGraph's inner parts", async () => {
    const mine = await newThread();
    const victim = await newThread();
    const configurable = { thread_id: victim, checkpoint_ns: "", user_id: "someone", __pregel_checkpointer: null };
    await run(mine, { input: human("hi"), config: { configurable } });
    expect((await client.threads.getState(victim)).values).toEqual({});
    expect((await client.threads.getState(mine)).values.messages).toHaveLength(2);
  });

  it.each([
    ["no assistant", {}, 400, "invalid-input"],
    ["an unknown assistant", { assistant_id: "nobody" }, 404, "assistant-not-found"],
    ["an unknown stream mode", { assistant_id: "agent", stream_mode: "nope" }, 400, "invalid-input"],
    [
      "a recursion limit that is no number",
      { assistant_id: "agent", config: { recursion_limit: "9" } },
      400,
      "invalid-input",
    ],
    ["a recursion limit of 1,500", { assistant_id: "agent", config: { recursion_limit: 1500 } }, 400, "invalid-input"],
    ["1 MB of metadata", { assistant_id: "agent", metadata: { x: "x".repeat(1e6) } }, 400, "invalid-input"],
    [
      "1 MB of configuration",
      { assistant_id: "agent", config: { configurable: { x: "x".repeat(1e6) } } },
      400,
      "invalid-input",
    ],
    ["a webhook", { assistant_id: "agent", webhook: "http://example.com" }, 501, "not-implemented"],
    ["JSON that is none", "{", 400, "invalid-input"],
  ])("refuses a run with %s", async (_name, body, status, type) => {
    const threadId = await newThread();
    const response = await stack.request("POST", `/threads/${threadId}/runs/stream`, { token, body });
    expect([response.status, await response.json()]).toEqual([
      status,
      expect.objectContaining({ type: `/api/problems/${type}` }),
    ]);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle", values: null });
  });

  it.each([
    ["a recursion limit of a billion", { config: { recursion_limit: 1e9 } }],
    ["a recursion limit of none", { config: { recursion_limit: 0 } }],
    ["tags that are a number", { config: { tags: 5 } }],
    ["configuration of 1 MB", { config: { configurable: { x: "x".repeat(1e6) } } }],
    ["context of 1 MB", { context: { x: "x".repeat(1e6) } }],
  ])("refuses an assistant with %s, new or changed", async (_name, body) => {
    const made = await stack.request("POST", "/assistants", { token, body: { graph_id: "agent", ...body } });
    expect(made.status).toBe(400);
    const known = await stack.request("POST", "/assistants", { token, body: { graph_id: "agent" } });
    const { assistant_id } = (await known.json()) as { assistant_id: string };
    expect((await stack.request("PATCH", `/assistants/${assistant_id}`, { token, body })).status).toBe(400);
  });

  it("refuses a watcher's modes that are no JSON", async () => {
    const threadId = await newThread();
    await run(threadId, { input: human("hi") });
    const [found] = await client.runs.list(threadId);
    const path = `/threads/${threadId}/runs/${found?.run_id}/stream?stream_mode=[`;
    expect((await stack.request("GET", path, { token })).status).toBe(400);
  });

  it("answers an unknown or misshapen thread id with 404", async () => {
    for (const id of [crypto.randomUUID(), "nope", "..%2F..", "%00"])
      expect([id, (await stack.request("GET", `/threads/${id}`, { token })).status]).toEqual([id, 404]);
  });

  it("reports a run that fails as an event, and frees its thread", async () => {
    const threadId = await newThread();
    const events = await run(threadId, { input: human("what is 1 + 1?"), config: { recursion_limit: 1 } });
    expect(events.at(-1)).toMatchObject({ event: "error", data: { error: "GraphRecursionError" } });
    expect(await client.threads.get(threadId)).toMatchObject({ status: "error" });
    await run(threadId, { input: human("still there?") });
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });
});
