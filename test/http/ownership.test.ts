/** A user's things do not exist for another user, on every route there is: the routes are walked, so that none is forgotten. */

import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { createApi } from "@tenure/functions/api";
import { type Described, describedRoutes } from "@tenure/functions/routes/openapi";
import { Runner } from "@tenure/functions/runs/runner";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openApi, type TestApi } from "../support/service/api.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { behindGateway } from "../support/stores/redis.ts";

let api: TestApi;
let routes: Described[];
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  const dynamo = await startLocalDynamo();
  const admin = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
  await ensureTable(admin, "tenure");
  admin.destroy();
  const gateway = await behindGateway(new EmbeddedRedis());
  api = await openApi({
    redis: { url: gateway.url, token: gateway.token },
    dynamo: { endpoint: dynamo.url, region: "local", credentials },
    codePolicy: { resendMs: 0 },
  });
  routes = describedRoutes(createApi(api.deps, new Runner(api.deps)));
  closing.push(
    () => api.close(),
    () => gateway.close(),
    () => dynamo.close(),
  );
});
afterAll(async () => {
  for (const close of closing) await close();
});

async function logIn(email: string) {
  const { challenge } = (await (await api.request("POST", "/auth/code", { body: { email } })).json()) as {
    challenge: string;
  };
  const verified = await api.request("POST", "/auth/verify", { body: { challenge, code: api.sent() } });
  const { token } = (await verified.json()) as { token: string };
  const headers = { Authorization: `Bearer ${token}` };
  return async (method: string, path: string, body?: unknown) => {
    const answer = await api.request(method, path, { headers, ...(body !== undefined && { body }) });
    const text = await answer.text();
    return { status: answer.status, text, json: () => JSON.parse(text) as never };
  };
}

it("on every route", async () => {
  const [ada, eve] = [await logIn("ada@example.com"), await logIn("eve@example.com")];
  const secret = "the-secret-of-ada";
  const thread = (await ada("POST", "/threads", { metadata: { secret } })).json() as { thread_id: string };
  const input = { messages: [{ role: "user", content: secret }] };
  const place = `/threads/${thread.thread_id}`;
  await ada("POST", `${place}/runs/wait`, { assistant_id: "agent", input });
  const run = (await ada("POST", `${place}/runs`, { assistant_id: "agent", input, after_seconds: 600 })).json() as {
    run_id: string;
  };
  const assistant = (await ada("POST", "/assistants", { graph_id: "agent", name: secret })).json() as {
    assistant_id: string;
  };
  await ada("PUT", "/store/items", { namespace: ["notes"], key: "k", value: { secret } });
  const state = (await ada("GET", `${place}/state`)).json() as { checkpoint: { checkpoint_id: string } };

  const before = (await ada("GET", `${place}/history`)).text;
  const ids: Record<string, string> = {
    run: run.run_id,
    checkpoint: state.checkpoint.checkpoint_id,
    namespace: "x",
  };
  const bodies: Record<string, unknown> = {
    "PATCH /threads/:id": { metadata: { stolen: true } },
    "POST /threads/:id/state": { values: { notes: ["stolen"] } },
    "POST /threads/:id/runs": { assistant_id: "agent", input },
    "POST /threads/:id/runs/stream": { assistant_id: "agent", input, if_not_exists: "create" },
    "POST /threads/:id/runs/wait": { assistant_id: "agent", input },
    "POST /assistants": { graph_id: "agent", assistant_id: assistant.assistant_id, if_exists: "do_nothing" },
    "PATCH /assistants/:id": { name: "stolen" },
    "POST /assistants/:id/latest": { version: 1 },
    "POST /threads": { thread_id: thread.thread_id, if_exists: "do_nothing" },
    "POST /threads/prune": { thread_ids: [thread.thread_id] },
    "POST /runs/cancel": { thread_id: thread.thread_id, run_ids: [run.run_id] },
    "POST /runs": { assistant_id: assistant.assistant_id },
    "POST /runs/stream": { assistant_id: assistant.assistant_id },
    "POST /runs/wait": { assistant_id: assistant.assistant_id },
    "POST /runs/batch": [{ assistant_id: assistant.assistant_id }],
    "PUT /store/items": { namespace: ["mine"], key: "k", value: {} },
    "DELETE /store/items": { namespace: ["notes"], key: "k" },
    "POST /store/items/search": { namespace_prefix: [] },
  };
  const queries: Record<string, string> = { "GET /store/items": "?namespace=notes&key=k" };
  /** The routes that answer everybody, each with what is their own. */
  const lists = new Set([
    "POST /race",
    "POST /threads/search",
    "POST /threads/count",
    "POST /threads/prune",
    "POST /assistants/search",
    "POST /assistants/count",
    "POST /store/items/search",
    "POST /store/namespaces",
    "GET /store/items",
    "PUT /store/items",
    "DELETE /store/items",
  ]);
  const seen: string[] = [];
  for (const { method, path, spec } of routes) {
    if (spec.open || spec.tag === "account") continue;
    const name = `${method.toUpperCase()} ${path.replace("/api", "")}`;
    const id = path.includes("/assistants/") ? assistant.assistant_id : thread.thread_id;
    const at = path
      .replace("/api", "")
      .replace(":id", id)
      .replace(/:(\w+)\??/g, (_, key: string) => ids[key] ?? "");
    const { status, text } = await eve(
      method.toUpperCase(),
      at + (queries[name] ?? ""),
      bodies[name] ?? (method === "get" ? undefined : {}),
    );
    seen.push(name);
    expect([name, text.includes(secret)]).toEqual([name, false]);
    if (!lists.has(name)) expect([name, status]).toEqual([name, 404]);
    else expect([name, status < 300]).toEqual([name, true]);
  }
  expect(seen.length).toBeGreaterThan(35);
  // And nothing of hers has changed.
  expect((await ada("GET", `${place}/history`)).text).toBe(before);
  expect((await ada("GET", `${place}/runs/${run.run_id}`)).json()).toMatchObject({ status: "pending" });
  expect((await ada("GET", place)).json()).toMatchObject({ metadata: { secret } });
  expect((await ada("GET", "/store/items?namespace=notes&key=k")).json()).toMatchObject({ value: { secret } });
  expect((await ada("GET", `/assistants/${assistant.assistant_id}`)).json()).toMatchObject({
    name: secret,
    version: 1,
  });
});

it("without a session nothing answers but what is open", async () => {
  for (const { method, path, spec } of routes) {
    const at = path.replace("/api", "").replace(/:(\w+)\??/g, "5f0c0a52-6f0e-4b67-a43b-3e6a43c3b8a1");
    const { status } = await api.request(method.toUpperCase(), at, method === "get" ? {} : { body: {} });
    expect([path, status]).toEqual([path, spec.open ? 200 : 401]);
  }
});

it("every route under these paths says what it takes", () => {
  const app = createApi(api.deps, new Runner(api.deps));
  const described = new Set(routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`));
  const own = app.routes.filter(
    ({ path, method }) => method !== "ALL" && /^\/api\/(threads|runs|assistants|store)/.test(path),
  );
  const undescribed = new Set(
    own.map(({ method, path }) => `${method} ${path}`).filter((name) => !described.has(name)),
  );
  expect(
    [...undescribed].filter(
      (name) => !/crons|commands|stream\/events|\/threads\/:id\/stream$|^PATCH .*\/state$/.test(name),
    ),
  ).toEqual([]);
});
