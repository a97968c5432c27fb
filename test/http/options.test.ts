import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { saying } from "../support/service/saying.ts";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

describe.each(dynamoEngines.slice(0, 1))("options on $name", (engine) => {
  let user: UserApi;
  let thread: string;
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { saying } });
    thread = (await user.ask<{ thread_id: string }>("POST", "/threads", {})).body.thread_id;
    await user.ask("POST", `/threads/${thread}/runs/wait`, { assistant_id: "saying", input: { said: ["What?"] } });
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
    ["command.graph", "POST", () => `/threads/${thread}/runs`, { assistant_id: "saying", command: { graph: "a" } }],
    ["config.recursionLimit", "POST", () => "/runs/wait", { assistant_id: "saying", config: { recursionLimit: 3 } }],
    ["checkpoint.later", "POST", () => `/threads/${thread}/state/checkpoint`, { checkpoint: { later: 1 } }],
    ["ttl.later", "POST", () => "/threads", { ttl: { ttl: 5, later: 1 } }],
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
