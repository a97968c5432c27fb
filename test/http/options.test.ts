import { tool } from "@langchain/core/tools";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { saying } from "../support/service/saying.ts";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

/** Uses a tool. */
const using: GraphFactory = ({ checkpointer }) => {
  const add = tool(({ a, b }) => String(a + b), { name: "add", schema: z.object({ a: z.number(), b: z.number() }) });
  return new StateGraph(Annotation.Root({ sum: Annotation<string>() }))
    .addNode("add", async () => ({ sum: await add.invoke({ a: 20, b: 22 }) }))
    .addEdge(START, "add")
    .compile({ ...(checkpointer && { checkpointer }) });
};

describe.each(dynamoEngines.slice(0, 1))("options on $name", (engine) => {
  let user: UserApi;
  let thread: string;
  let run: string;
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { saying, using } });
    thread = (await user.ask<{ thread_id: string }>("POST", "/threads", {})).body.thread_id;
    await user.ask("POST", `/threads/${thread}/runs/wait`, { assistant_id: "saying", input: { said: ["What?"] } });
    [run = ""] = (await user.ask<{ run_id: string }[]>("GET", `/threads/${thread}/runs`)).body.map((one) => one.run_id);
  });
  afterAll(() => user.close());

  const item = { namespace: ["a"], key: "k", value: {} };
  it.each<[option: string, method: string, path: () => string, body?: object]>([
    ["include=values of a thread", "GET", () => `/threads/${thread}?include=values`],
    ["strict_resume", "POST", () => `/threads/${thread}/runs/wait`, { assistant_id: "saying", strict_resume: true }],
    ["webhook", "POST", () => `/threads/${thread}/runs`, { assistant_id: "saying", webhook: "http://example.com" }],
    ["feedback_keys", "POST", () => `/threads/${thread}/runs`, { assistant_id: "saying", feedback_keys: ["a"] }],
    [
      "langsmith_tracer",
      "POST",
      () => `/threads/${thread}/runs`,
      { assistant_id: "saying", langsmith_tracer: { project_name: "a" } },
    ],
    ["of_a_later_client", "POST", () => "/threads", { of_a_later_client: 1 }],
    ["of_a_later_client", "POST", () => "/threads/search", { of_a_later_client: ["a"] }],
    ["of_a_later_client", "POST", () => "/assistants/search", { of_a_later_client: "a" }],
    ["of_a_later_client", "GET", () => `/threads/${thread}/state?of_a_later_client=1`],
    ["later", "POST", () => "/runs/batch", [{ assistant_id: "saying" }, { assistant_id: "saying", later: 1 }]],
    ["namespace", "POST", () => `/threads/${thread}/runs/stream?namespace=a`, { assistant_id: "saying" }],
    ["of_a_later_client", "GET", () => `/threads/${thread}/runs/${thread}?of_a_later_client=1`],
    ["of_a_later_client", "POST", () => `/threads/${thread}/copy`, { of_a_later_client: 1 }],
    ["namespace", "GET", () => `/threads/${thread}/runs/${thread}/stream?namespace=a`],
    [
      "on_completion=delete",
      "POST",
      () => `/threads/${thread}/runs`,
      { assistant_id: "saying", on_completion: "delete" },
    ],
    ["patchState", "PATCH", () => `/threads/${thread}/state`, { metadata: { a: 1 } }],
    ["extract=context of a thread", "POST", () => "/threads/search", { extract: { a: "context.b" } }],
    [
      "stream_mode=lifecycle",
      "POST",
      () => `/threads/${thread}/runs/stream`,
      { assistant_id: "saying", stream_mode: ["values", "lifecycle"] },
    ],
    ["stream_mode=lifecycle", "GET", () => `/threads/${thread}/runs/${run}/stream?stream_mode=lifecycle`],
    ["wait", "POST", () => "/runs/cancel?wait=true", {}],
    ["select=context of a thread", "POST", () => "/threads/search", { select: ["context"] }],
    ["select=later of a state", "GET", () => `/threads/${thread}/state?select=later.a`],
    ["select=later of a state", "POST", () => `/threads/${thread}/history`, { select: ["later"] }],
    ["select=cancel_reason of a run", "GET", () => `/threads/${thread}/runs?select=cancel_reason`],
    ["select=later of an assistant", "POST", () => "/assistants/search", { select: ["later"] }],
    ["index of an item", "PUT", () => "/store/items", { ...item, index: ["title"] }],
  ])("%s is refused by %s", async (option, method, path, body) => {
    const { status, body: answer } = await user.ask<{ type: string; detail: string }>(method, path(), body);
    expect([status, answer.type]).toEqual([501, "/api/problems/not-implemented"]);
    expect(answer.detail).toContain(option);
  });

  it.each<[field: string, path: () => string, body: object]>([
    ["command.graph", () => `/threads/${thread}/runs`, { assistant_id: "saying", command: { graph: "a" } }],
    ["config.recursionLimit", () => "/runs/wait", { assistant_id: "saying", config: { recursionLimit: 3 } }],
    ["config.x", () => "/assistants", { graph_id: "saying", config: { x: "x".repeat(1_000_000) } }],
    ["checkpoint.later", () => `/threads/${thread}/state/checkpoint`, { checkpoint: { later: 1 } }],
    ["ttl.later", () => "/threads", { ttl: { ttl: 5, later: 1 } }],
    ["config.later", () => "/runs/batch", [{ assistant_id: "saying", config: { later: 1 } }]],
  ])("%s, a field within another, is refused by its path", async (field, path, body) => {
    const { status, body: answer } = await user.ask<{ type: string; errors?: string[] }>("POST", path(), body);
    expect([status, answer.type]).toEqual([400, "/api/problems/invalid-input"]);
    expect(JSON.stringify(answer)).toContain(`${field}: is not known here`);
  });

  it.each<[method: string, path: () => string]>([
    ["GET", () => `/threads/${thread}/runs/${run}/stream?stream_mode=later`],
    ["GET", () => `/threads/${thread}/runs/${run}/stream?stream_mode=${encodeURIComponent('["later"]')}`],
    ["GET", () => `/threads/${thread}/runs/${run}/stream?cancel_on_disconnect=later`],
    ["GET", () => `/threads/${thread}/runs/${run}/join?cancel_on_disconnect=2`],
    ["GET", () => `/threads/${thread}/state?subgraphs=later`],
    ["POST", () => `/threads/${thread}/runs/${run}/cancel?wait=later`],
    ["GET", () => "/assistants/saying/graph?xray=later"],
    ["GET", () => "/assistants/saying/subgraphs?recurse=later"],
    ["DELETE", () => "/assistants/saying?delete_threads=later"],
  ])("with a value that says nothing are refused: %s %s", async (method, path) => {
    const { status, body } = await user.ask<{ type: string }>(method, path());
    expect([path(), status, body.type]).toEqual([path(), 400, "/api/problems/invalid-input"]);
  });

  it("that ask for nothing are taken", async () => {
    expect((await user.ask("POST", "/threads", { ttl: null, later: null, other: false })).status).toBe(200);
    expect((await user.ask("PUT", "/store/items", { ...item, index: false, ttl: null })).status).toBe(204);
    expect((await user.ask("GET", "/store/items?namespace=a&key=k&refresh_ttl=false")).status).toBe(200);
  });

  it("extract and select lead into what a search shows", async () => {
    const search = (asked: object) =>
      user.ask<Record<string, unknown>[]>("POST", "/threads/search", { ids: [thread], ...asked });
    const paths = { first: "values.said[0]", last: "values.said[-1]", none: "values.other" };
    expect((await search({ select: ["thread_id"], extract: paths })).body).toEqual([
      { thread_id: thread, extracted: { first: "What?", last: "42", none: null } },
    ]);
    expect((await search({ select: ["values.said"] })).body).toEqual([{ values: { said: ["What?", "42"] } }]);
    expect((await search({ extract: { status: "status" } })).body).toMatchObject([
      { thread_id: thread, values: { said: ["What?", "42"] }, extracted: { status: "idle" } },
    ]);
    for (const asked of [{ extract: { a: "values[" } }, { select: ["values..x"] }])
      expect(await search(asked)).toMatchObject({ status: 400, body: { type: "/api/problems/invalid-input" } });
  });

  it("select leads into a state, now and before", async () => {
    const asked = "select=values.said&select=interrupts";
    expect((await user.ask("GET", `/threads/${thread}/state?${asked}`)).body).toEqual({
      values: { said: ["What?", "42"] },
      interrupts: [],
    });
    const { body } = await user.ask<object[]>("POST", `/threads/${thread}/history`, { select: ["next"], limit: 1 });
    expect(body).toEqual([{ next: [] }]);
  });

  it.each([["tools"], ["tools", "events"]])("stream_mode: %j tells of the uses of tools", async (...stream_mode) => {
    const asked = { assistant_id: "using", input: {}, stream_mode };
    const { text } = await user.send("POST", "/runs/stream", JSON.stringify(asked));
    const told = [...text.matchAll(/^event: tools\ndata: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
    expect(told).toMatchObject([
      { event: "on_tool_start", name: "add" },
      { event: "on_tool_end", name: "add", output: "42" },
    ]);
  });

  it("a checkpoint of another thread is none of this one", async () => {
    const checkpoint = { thread_id: crypto.randomUUID(), checkpoint_id: "a" };
    for (const [path, body] of [
      ["state/checkpoint", { checkpoint }],
      ["runs/wait", { assistant_id: "saying", checkpoint }],
    ] as const)
      expect((await user.ask("POST", `/threads/${thread}/${path}`, body)).status).toBe(400);
  });

  it("metadata of a list's members are found in any order", async () => {
    const { body } = await user.ask<{ thread_id: string }>("POST", "/threads", { metadata: { tags: ["a", "b", "c"] } });
    const found = async (tags: string[]) =>
      (await user.ask<{ thread_id: string }[]>("POST", "/threads/search", { metadata: { tags } })).body;
    expect(await found(["c", "a"])).toMatchObject([{ thread_id: body.thread_id }]);
    expect(await found(["c", "d"])).toEqual([]);
  });

  it("Prefer: return=minimal wants no answer", async () => {
    const sent = await user.ask("PATCH", `/threads/${thread}`, { metadata: { b: 1 } }, { Prefer: "return=minimal" });
    expect([sent.status, sent.body, sent.headers.get("Preference-Applied")]).toEqual([
      204,
      undefined,
      "return=minimal",
    ]);
  });

  it("of several runs are read as the JavaScript client sends them", async () => {
    const sent = [{ assistant_id: "saying", assistantId: "saying", onCompletion: "keep", interruptBefore: ["say"] }];
    const { status, body } = await user.ask<{ kwargs: object }[]>("POST", "/runs/batch", sent);
    expect([status, body[0]?.kwargs]).toMatchObject([200, { interrupt_before: ["say"], on_completion: "keep" }]);
  });

  it("a run without a thread is watched by its own id, by whoever began it", async () => {
    const asked = { assistant_id: "saying", input: { said: [] }, after_seconds: 1 };
    const { run_id } = (await user.ask<{ run_id: string }>("POST", "/runs", asked)).body;
    await user.become("eve@example.com");
    expect((await user.ask("GET", `/runs/${run_id}/stream`)).status).toBe(404);
    await user.become("ada@example.com");
    const { status, text } = await user.send("GET", `/runs/${run_id}/stream`);
    expect([status, text]).toEqual([200, expect.stringContaining("event: values")]);
  });
});
