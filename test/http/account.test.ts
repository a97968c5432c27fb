/** Assistants and memory by the official client, and the deletion of an account, of which nothing is left in either store. */
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { Client } from "@langchain/langgraph-sdk";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openApi } from "../support/service/api.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { behindGateway } from "../support/stores/redis.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());
const newClient = async (email: string) =>
  new Client({ apiUrl: stack.api, apiKey: await stack.logIn(email), callerOptions: { maxRetries: 0 } });

it("keeps assistants in versions, of which an earlier one can be used again", async () => {
  const client = await newClient("assistants@example.com");
  const made = await client.assistants.create({
    graphId: "agent",
    name: "Mine",
    config: { tags: ["one"] },
    metadata: { a: 1 },
  });
  expect(made).toMatchObject({ graph_id: "agent", version: 1, name: "Mine", metadata: { a: 1 } });
  await client.assistants.update(made.assistant_id, { metadata: { b: 2 }, config: { tags: ["two"] } });
  const changed = await client.assistants.get(made.assistant_id);
  expect(changed).toMatchObject({ version: 2, metadata: { a: 1, b: 2 }, config: { tags: ["two"] } });
  expect((await client.assistants.getVersions(made.assistant_id)).map(({ version }) => version)).toEqual([2, 1]);
  await client.assistants.setLatest(made.assistant_id, 1);
  expect(await client.assistants.get(made.assistant_id)).toMatchObject({ version: 1, config: { tags: ["one"] } });
  expect(await client.assistants.update(made.assistant_id, {})).toMatchObject({ version: 3 });
  await expect(client.assistants.setLatest(made.assistant_id, 9)).rejects.toMatchObject({ status: 404 });

  const own = await client.assistants.search({ metadata: { created_by: "system" } });
  expect(own.map(({ name }) => name)).toEqual(["agent"]);
  expect((await client.assistants.search({ name: "min" })).map(({ assistant_id }) => assistant_id)).toEqual([
    made.assistant_id,
  ]);
  expect(await client.assistants.count()).toBe(2);
  await expect(client.assistants.update(own[0]?.assistant_id ?? "", { name: "x" })).rejects.toMatchObject({
    status: 403,
  });
  await expect(client.assistants.create({ graphId: "none" })).rejects.toMatchObject({ status: 400 });
  const graph = await client.assistants.getGraph("agent");
  expect(graph.nodes.map(({ id }) => id)).toContain("approval");
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, made.assistant_id, { input: { messages: [{ role: "user", content: "hi" }] } });
  await client.assistants.delete(made.assistant_id, { deleteThreads: true });
  await expect(client.assistants.get(made.assistant_id)).rejects.toMatchObject({ status: 404 });
  await expect(client.threads.get(thread_id)).rejects.toMatchObject({ status: 404 });
});

it("keeps what is to be remembered, by namespace, and finds it by value", async () => {
  const { store } = await newClient("memory@example.com");
  for (const [key, value] of Object.entries({
    a: { n: 1, tag: "x" },
    b: { n: 2, tag: "y" },
    "c/#%": { n: 3, tag: "x" },
  }))
    await store.putItem(["notes", "héllo"], key, value);
  await store.putItem(["notes"], "top", { n: 10 });
  await store.putItem(["notesx"], "other", { n: 1 });
  const before = await store.getItem(["notes", "héllo"], "c/#%");
  expect(before).toMatchObject({ key: "c/#%", namespace: ["notes", "héllo"], value: { n: 3, tag: "x" } });
  // Instants are told in whole milliseconds.
  await expect.poll(() => Date.now()).toBeGreaterThan(Number(new Date(before?.updatedAt ?? 0)));
  await store.putItem(["notes", "héllo"], "c/#%", { n: 4 });
  const after = await store.getItem(["notes", "héllo"], "c/#%");
  expect([
    after?.createdAt,
    Number(new Date(after?.updatedAt ?? 0)) > Number(new Date(before?.updatedAt ?? 0)),
  ]).toEqual([before?.createdAt, true]);
  const keys = async (filter?: object, prefix = ["notes"]) =>
    (await store.searchItems(prefix, { limit: 10, ...(filter && { filter: filter as never }) })).items
      .map(({ key }) => key)
      .sort();
  expect(await keys()).toEqual(["a", "b", "c/#%", "top"]);
  expect(await keys({ tag: "x" })).toEqual(["a"]);
  expect(await keys({ n: { $gte: 2, $lt: 10 } })).toEqual(["b", "c/#%"]);
  expect(await keys({ n: { $ne: 1 } })).toEqual(["b", "c/#%", "top"]);
  await expect(keys({ n: { $near: 1 } })).rejects.toMatchObject({ status: 400 });
  expect((await store.searchItems(["notes"], { limit: 2, offset: 1 })).items).toHaveLength(2);
  expect((await store.listNamespaces({ prefix: ["notes"] })).namespaces).toEqual([["notes"], ["notes", "héllo"]]);
  expect((await store.listNamespaces({ maxDepth: 1 })).namespaces).toEqual([["notes"], ["notesx"]]);
  expect((await store.listNamespaces({ suffix: ["héllo"] })).namespaces).toEqual([["notes", "héllo"]]);
  await store.deleteItem(["notes"], "top");
  expect(await store.getItem(["notes"], "top")).toBe(null);
  const token = await stack.logIn("memory@example.com");
  for (const body of [
    { namespace: ["a.b"], key: "k", value: {} },
    { namespace: [""], key: "k", value: {} },
    { namespace: [], key: "k", value: {} },
    { namespace: ["langgraph"], key: "k", value: {} },
    { namespace: ["x"], key: "", value: {} },
    { namespace: ["x"], key: "k", value: "text" },
  ])
    expect([body, (await stack.request("PUT", "/store/items", { token, body })).status]).toEqual([body, 400]);
  await expect(store.putItem(["x"], "large", { text: "x".repeat(400_000) })).rejects.toMatchObject({ status: 400 });
});

it("deletes an account at the user's word, and nothing of it is left", async () => {
  const dynamo = await startLocalDynamo();
  const client = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
  await ensureTable(client, "tenure");
  const gateway = await behindGateway(new EmbeddedRedis());
  const api = await openApi({
    redis: { url: gateway.url, token: gateway.token },
    dynamo: { endpoint: dynamo.url, region: "local", credentials },
    codePolicy: { resendMs: 0 },
  });
  const logIn = async (email: string) => {
    const { challenge } = (await (await api.request("POST", "/auth/code", { body: { email } })).json()) as {
      challenge: string;
    };
    const verified = await api.request("POST", "/auth/verify", { body: { challenge, code: api.sent() } });
    const { token, user } = (await verified.json()) as { token: string; user: { id: string } };
    return { id: user.id, headers: { Authorization: `Bearer ${token}` } };
  };
  const [first, second, other] = [
    await logIn("gone@example.com"),
    await logIn("gone@example.com"),
    await logIn("stays@example.com"),
  ];
  for (const { headers } of [first, other]) {
    const { thread_id } = (await (await api.request("POST", "/threads", { headers, body: {} })).json()) as {
      thread_id: string;
    };
    const input = { messages: [{ role: "user", content: "2 * 3" }] };
    await (
      await api.request("POST", `/threads/${thread_id}/runs/wait`, { headers, body: { assistant_id: "agent", input } })
    ).text();
    await api.request("POST", `/threads/${thread_id}/runs`, {
      headers,
      body: { assistant_id: "agent", input, after_seconds: 600 },
    });
    await api.request("POST", "/assistants", { headers, body: { graph_id: "agent" } });
    await api.request("PUT", "/store/items", { headers, body: { namespace: ["n"], key: "k", value: { v: 1 } } });
  }
  await api.deps.activity.flush(60_000);
  expect((await api.request("DELETE", "/account", { headers: second.headers })).status).toBe(204);
  for (const { headers } of [first, second])
    expect((await api.request("GET", "/auth/session", { headers })).status).toBe(401);
  await api.deps.activity.flush(60_000);
  const { Items = [] } = await client.send(new ScanCommand({ TableName: "tenure" }));
  // Of a deleted thread, the marker stays for half an hour: then the sweep erases what has landed meanwhile.
  const stored = Items.filter(({ sk, after }) => !(sk === "deadline" && after === true));
  const owners = stored.map((item) => JSON.stringify(item));
  expect(owners.filter((item) => item.includes(first.id) || item.includes("gone@example.com"))).toEqual([]);
  const threads = new Set(Items.filter(({ sk, owner }) => sk === "thread" && owner === other.id).map(({ id }) => id));
  const strangers = stored.filter(({ pk }) => /^(thread|checkpoint)#/.test(pk) && !threads.has(pk.split("#")[1]));
  expect([threads.size, strangers]).toEqual([1, []]);
  expect(Items.filter(({ pk }) => pk.startsWith("activity#")).length).toBe(1);
  const left = (await gateway.engine.send(["KEYS", "session*"])) as string[];
  expect(left.length).toBe(2);

  const again = await logIn("gone@example.com");
  expect(again.id).not.toBe(first.id);
  expect(await (await api.request("POST", "/threads/search", { headers: again.headers, body: {} })).json()).toEqual([]);
  await api.close();
  await gateway.close();
  client.destroy();
  await dynamo.close();
});

it("describes itself by the schemas that it checks with", async () => {
  const document = (await (await stack.request("GET", "/openapi.json")).json()) as {
    openapi: string;
    paths: Record<
      string,
      Record<string, { requestBody?: { content: Record<string, { schema: { properties: object } }> } }>
    >;
  };
  expect(document.openapi).toBe("3.1.0");
  const body = document.paths["/api/threads/{id}/runs/stream"]?.post?.requestBody?.content["application/json"]?.schema;
  expect(Object.keys(body?.properties ?? {})).toEqual(
    expect.arrayContaining(["assistant_id", "input", "multitask_strategy"]),
  );
  const page = await stack.request("GET", "/docs");
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("/api/threads/:id/history")]);
});
