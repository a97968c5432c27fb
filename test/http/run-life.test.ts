/** Runs from beginning to end, whatever happens to their clients, their processes and the stores. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Client } from "@langchain/langgraph-sdk";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { createApi } from "@tenure/functions/api";
import { Runner } from "@tenure/functions/runs/runner";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApi } from "../engines/api.ts";
import { credentials } from "../engines/dynamo.ts";
import { behindGateway } from "../engines/redis.ts";
import { slow } from "../engines/slow-graph.ts";

interface Values {
  messages: { type: string; content: string }[];
  taken: number;
}

const LEASE = { leaseMs: 1500, heartbeatMs: 300 };
let dynamo: Awaited<ReturnType<typeof startLocalDynamo>>;
let gateway: Awaited<ReturnType<typeof behindGateway>>;
let proxy: Server;
/** What the way to Redis does, and how many commands have gone it. */
const redis = { away: false, commands: 0 };

beforeAll(async () => {
  dynamo = await startLocalDynamo();
  const admin = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
  await ensureTable(admin, "tenure");
  admin.destroy();
  gateway = await behindGateway(new EmbeddedRedis());
  proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (redis.away) return void request.socket.destroy();
    redis.commands += 1;
    const answer = await fetch(gateway.url + request.url, {
      method: "POST",
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await gateway.close();
  await dynamo.close();
});

/** One of several processes on the same stores, served on loopback. */
async function process_() {
  const opened = await openApi({
    redis: { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, token: gateway.token },
    dynamo: { endpoint: dynamo.url, region: "local", credentials },
    codePolicy: { resendMs: 0 },
    leasePolicy: LEASE,
    graphs: { slow },
  });
  const runner = new Runner(opened.deps);
  const api = createApi(opened.deps, runner);
  const server = await new Promise<Server>((resolve) => {
    const made = serve({ fetch: api.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(made)) as Server;
  });
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  return {
    ...opened,
    runner,
    apiUrl,
    clientOf: (apiKey: string) => new Client<Values>({ apiUrl, apiKey, callerOptions: { maxRetries: 0 } }),
    async close() {
      await runner.stop();
      server.closeAllConnections();
      server.close();
      opened.deps.close();
    },
  };
}
type Process = Awaited<ReturnType<typeof process_>>;

let users = 0;
async function logIn({ request, sent }: Process): Promise<string> {
  const body = { email: `user-${users++}@example.com` };
  const { challenge } = (await (await request("POST", "/auth/code", { body })).json()) as { challenge: string };
  const verified = await request("POST", "/auth/verify", { body: { challenge, code: sent() } });
  return ((await verified.json()) as { token: string }).token;
}

const turn = (steps: number, pauseMs: number, content = "go") => ({
  input: { messages: [{ role: "user", content }], steps, pauseMs },
});
const contents = (values: Values) => values.messages.map(({ content }) => content);

describe("a run", () => {
  let one: Process;
  let two: Process;
  let client: Client<Values>;
  let elsewhere: Client<Values>;
  let token: string;
  beforeAll(async () => {
    [one, two] = [await process_(), await process_()];
    token = await logIn(one);
    client = one.clientOf(token);
    elsewhere = two.clientOf(token);
  });
  afterAll(async () => {
    await one.close();
    await two.close();
  });
  const newThread = async () => (await client.threads.create()).thread_id;

  /** The events of a raw stream, up to so many; the connection is then reset. */
  async function events(
    path: string,
    { headers = {}, body, upTo = Infinity }: { headers?: object; body?: object; upTo?: number },
  ) {
    const abort = new AbortController();
    const response = await fetch(`${one.apiUrl}${path}`, {
      method: body ? "POST" : "GET",
      headers: { "x-api-key": token, ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal: abort.signal,
    });
    const found: { id: string; event: string; data: string }[] = [];
    let text = "";
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    for (;;) {
      const { value: chunk, done } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || !chunk) break;
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? "";
        if (field("event")) found.push({ id: field("id"), event: field("event"), data: field("data") });
        if (found.length >= upTo) {
          abort.abort();
          return { found, response };
        }
      }
    }
    return { found, response };
  }

  it("gives a client that was cut off at any event the rest of them, once each, here and elsewhere", async () => {
    const threadId = await newThread();
    const body = { assistant_id: "slow", stream_mode: ["values", "updates"], ...turn(4, 30) };
    const { found, response } = await events(`/threads/${threadId}/runs/stream`, { body });
    const place = response.headers.get("content-location") ?? "";
    expect(response.headers.get("location")).toBe(`${place}/stream`);
    expect(found.map(({ id }) => Number(id))).toEqual(found.map((_, i) => i));
    expect(found[0]).toMatchObject({ event: "metadata", data: expect.stringContaining('"attempt":1') });
    for (let cut = 0; cut <= found.length; cut++)
      for (const path of [`${place}/stream`]) {
        const { found: rest } = await events(path, { headers: { "Last-Event-ID": String(cut - 1) } });
        expect(rest).toEqual(found.slice(cut));
      }
    const again = [];
    for await (const event of elsewhere.runs.joinStream(threadId, place.split("/").at(-1) ?? "", { lastEventId: "-1" }))
      again.push(event);
    expect(again.map(({ event }) => event)).toEqual(found.map(({ event }) => event));
  });

  it("goes on when its client is reset in the middle, who gets the rest later", { timeout: 60_000 }, async () => {
    for (let cut = 1; cut <= 7; cut += 2) {
      const threadId = await newThread();
      const body = { assistant_id: "slow", stream_mode: "updates", ...turn(6, 60) };
      const { found, response } = await events(`/threads/${threadId}/runs/stream`, { body, upTo: cut });
      const place = response.headers.get("content-location") ?? "";
      const last = found.at(-1)?.id ?? "-1";
      const { found: rest } = await events(`${place}/stream`, { headers: { "Last-Event-ID": last } });
      const all = [...found, ...rest];
      expect(all.map(({ id }) => Number(id))).toEqual(all.map((_, i) => i));
      expect(all).toHaveLength(8);
      expect((await client.threads.getState(threadId)).values.taken).toBe(6);
    }
  });

  it("is watched from another process while it is under way", async () => {
    const threadId = await newThread();
    const run = await client.runs.create(threadId, "slow", { ...turn(5, 100), streamMode: "updates" });
    const seen: string[] = [];
    for await (const { event } of elsewhere.runs.joinStream(threadId, run.run_id, { lastEventId: "-1" }))
      seen.push(event);
    expect(seen).toEqual(["metadata", ...Array(6).fill("updates")]);
    expect(await elsewhere.runs.get(threadId, run.run_id)).toMatchObject({ status: "success" });
    expect(await elsewhere.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("is waited for, joined, listed, read and deleted", async () => {
    const threadId = await newThread();
    const values = (await client.runs.wait(threadId, "slow", turn(2, 10))) as unknown as Values;
    expect(contents(values)).toEqual(["go", "step 0", "step 1"]);
    const run = await client.runs.create(threadId, "slow", turn(1, 10, "more"));
    expect(run).toMatchObject({ status: expect.stringMatching(/pending|running/), thread_id: threadId });
    expect(contents((await elsewhere.runs.join(threadId, run.run_id)) as unknown as Values).slice(-2)).toEqual([
      "more",
      "step 0",
    ]);
    const listed = await client.runs.list(threadId);
    expect(listed.map(({ status }) => status)).toEqual(["success", "success"]);
    expect(listed[0]?.run_id).toBe(run.run_id);
    await client.runs.delete(threadId, run.run_id);
    await expect(client.runs.get(threadId, run.run_id)).rejects.toMatchObject({ status: 404 });
    expect(await client.runs.list(threadId)).toHaveLength(1);
  });

  it("reports what its graph throws, and leaves the thread in error", async () => {
    const threadId = await newThread();
    const bad = client.runs.wait(threadId, "slow", { ...turn(3, 1), config: { recursion_limit: 2 } });
    await expect(bad).rejects.toThrow(/GraphRecursionError/);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "error" });
    expect((await client.runs.list(threadId))[0]).toMatchObject({ status: "error" });
    const answer = await client.runs.wait(threadId, "slow", {
      ...turn(3, 1),
      config: { recursion_limit: 2 },
      raiseError: false,
    });
    expect(answer).toMatchObject({ __error__: { error: "GraphRecursionError" } });
  });

  it("refuses a second one on its thread, or lets it wait, interrupt or roll back the first", {
    timeout: 60_000,
  }, async () => {
    const begin = async (multitaskStrategy: "reject" | "enqueue" | "interrupt" | "rollback") => {
      const threadId = await newThread();
      await client.runs.wait(threadId, "slow", turn(1, 1, "before"));
      const first = await client.runs.create(threadId, "slow", turn(8, 150, "first"));
      await new Promise((resolve) => setTimeout(resolve, 400));
      const second = client.runs.create(threadId, "slow", { ...turn(1, 1, "second"), multitaskStrategy });
      return { threadId, first: first.run_id, second };
    };
    const rejected = await begin("reject");
    await expect(rejected.second).rejects.toMatchObject({ status: 422 });

    const enqueued = await begin("enqueue");
    await client.runs.join(enqueued.threadId, (await enqueued.second).run_id);
    const line = contents((await client.threads.getState(enqueued.threadId)).values);
    expect(line).toEqual([
      "before",
      "step 0",
      "first",
      ...Array.from({ length: 8 }, (_, i) => `step ${i}`),
      "second",
      "step 0",
    ]);

    const interrupted = await begin("interrupt");
    await client.runs.join(interrupted.threadId, (await interrupted.second).run_id);
    expect(await client.runs.get(interrupted.threadId, interrupted.first)).toMatchObject({ status: "interrupted" });
    const kept = contents((await client.threads.getState(interrupted.threadId)).values);
    expect([kept.slice(0, 3), kept.slice(-2)]).toEqual([
      ["before", "step 0", "first"],
      ["second", "step 0"],
    ]);
    expect(kept.length).toBeLessThan(line.length);

    const rolledBack = await begin("rollback");
    await client.runs.join(rolledBack.threadId, (await rolledBack.second).run_id);
    await expect(client.runs.get(rolledBack.threadId, rolledBack.first)).rejects.toMatchObject({ status: 404 });
    expect(contents((await client.threads.getState(rolledBack.threadId)).values)).toEqual([
      "before",
      "step 0",
      "second",
      "step 0",
    ]);
  });

  it("is cancelled at once, from wherever it is asked, and leaves the thread idle", { timeout: 60_000 }, async () => {
    for (const asker of [client, elsewhere]) {
      const threadId = await newThread();
      const run = await client.runs.create(threadId, "slow", turn(50, 100));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await expect(client.threads.updateState(threadId, { values: { taken: 7 } })).rejects.toMatchObject({
        status: 409,
      });
      const asked = performance.now();
      await asker.runs.cancel(threadId, run.run_id, true);
      expect(performance.now() - asked).toBeLessThan(LEASE.heartbeatMs + 1000);
      expect(await client.runs.get(threadId, run.run_id)).toMatchObject({ status: "interrupted" });
      expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
      const values = (await client.runs.wait(threadId, "slow", turn(1, 1, "after"))) as unknown as Values;
      expect(contents(values).slice(-2)).toEqual(["after", "step 0"]);
    }
  });

  it("is cancelled with its client, if the client asked for that, and not otherwise", async () => {
    for (const on_disconnect of ["cancel", "continue"]) {
      const threadId = await newThread();
      const body = { assistant_id: "slow", stream_mode: "updates", on_disconnect, ...turn(8, 100) };
      const { response } = await events(`/threads/${threadId}/runs/stream`, { body, upTo: 2 });
      const run = await one.runner.ended(threadId, response.headers.get("content-location")?.split("/").at(-1) ?? "");
      expect(run?.status).toBe(on_disconnect === "cancel" ? "interrupted" : "success");
    }
  });

  it("is begun once for one Idempotency-Key", async () => {
    const threadId = await newThread();
    const begin = () =>
      one.request("POST", `/threads/${threadId}/runs`, {
        headers: { "x-api-key": token, "Idempotency-Key": "the-same" },
        body: { assistant_id: "slow", multitask_strategy: "enqueue", ...turn(2, 50) },
      });
    const answers = await Promise.all([begin(), begin(), begin()]);
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { run_id: string }).run_id));
    expect(new Set(ids).size).toBe(1);
    await client.runs.join(threadId, ids[0] ?? "");
    expect(((await (await begin()).json()) as { run_id: string }).run_id).toBe(ids[0]);
    expect(contents((await client.threads.getState(threadId)).values)).toEqual(["go", "step 0", "step 1"]);
    expect(await client.runs.list(threadId)).toHaveLength(1);
  });

  it("waits as long as it is told to, and can be cancelled before", async () => {
    const threadId = await newThread();
    const [soon, never] = [
      await client.runs.create(threadId, "slow", { ...turn(1, 1), afterSeconds: 1 }),
      await client.runs.create(threadId, "slow", { ...turn(1, 1), afterSeconds: 600, multitaskStrategy: "enqueue" }),
    ];
    expect((await client.runs.list(threadId)).map(({ status }) => status)).toEqual(["pending", "pending"]);
    await client.runs.join(threadId, soon.run_id);
    await client.runs.cancel(threadId, never.run_id);
    expect((await client.runs.list(threadId)).map(({ status }) => status).sort()).toEqual(["interrupted", "success"]);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("without a thread leaves nothing, or its thread if that is to be kept", async () => {
    let runCreated: { run_id: string; thread_id?: string } | undefined;
    const values = (await client.runs.wait(null, "slow", {
      ...turn(1, 1),
      onRunCreated: (created) => {
        runCreated = created;
      },
    })) as unknown as Values;
    expect([contents(values), typeof runCreated?.run_id]).toEqual([["go", "step 0"], "string"]);
    const seen = [];
    for await (const { event } of client.runs.stream(null, "slow", { ...turn(1, 1), streamMode: "updates" }))
      seen.push(event);
    expect(seen).toEqual(["metadata", "updates", "updates"]);
    await expect
      .poll(async () =>
        (await client.threads.search({ metadata: { graph_id: "slow" }, limit: 100 })).filter(
          ({ values }) => contents(values)[0] === "gone",
        ),
      )
      .toEqual([]);
    const before = await client.threads.count();
    await client.runs.wait(null, "slow", turn(1, 1));
    expect(await client.threads.count()).toBe(before);
    await client.runs.wait(null, "slow", { ...turn(1, 1), onCompletion: "keep" } as never);
    expect(await client.threads.count()).toBe(before + 1);
  });

  it("goes on where it was when its process stops, and when that is frozen, whose late writes are refused", {
    timeout: 60_000,
  }, async () => {
    const leaving = await process_();
    const threadId = await newThread();
    const stopped = await leaving.clientOf(token).runs.create(threadId, "slow", turn(8, 100));
    await new Promise((resolve) => setTimeout(resolve, 450));
    await leaving.close();
    const values = (await client.runs.join(threadId, stopped.run_id)) as unknown as Values;
    expect(contents(values)).toEqual(["go", ...Array.from({ length: 8 }, (_, i) => `step ${i}`)]);

    const frozen = await process_();
    const other = await newThread();
    const run = await frozen.clientOf(token).runs.create(other, "slow", turn(8, 300));
    await new Promise((resolve) => setTimeout(resolve, 700));
    // It neither renews its lease nor hears that it is lost; its clock goes on.
    frozen.deps.threads.renew = () => new Promise(() => {});
    const taken = (await client.runs.join(other, run.run_id)) as unknown as Values;
    expect(contents(taken)).toEqual(["go", ...Array.from({ length: 8 }, (_, i) => `step ${i}`)]);
    expect(await client.runs.get(other, run.run_id)).toMatchObject({ status: "success" });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(contents((await client.threads.getState(other)).values)).toEqual(contents(taken));
    await frozen.close();
  });

  it("keeps its state when Redis goes away, tells its own client, and others that it cannot be watched", async () => {
    const threadId = await newThread();
    const response = await fetch(`${one.apiUrl}/threads/${threadId}/runs/stream`, {
      method: "POST",
      headers: { "x-api-key": token },
      body: JSON.stringify({ assistant_id: "slow", stream_mode: "updates", ...turn(6, 150) }),
    });
    const reading = response.text();
    await new Promise((resolve) => setTimeout(resolve, 300));
    redis.away = true;
    const text = await reading;
    expect(text.match(/^event: updates$/gm)).toHaveLength(7);
    expect(text).toContain(": the events of this run are not kept at the moment");
    expect(
      (await one.request("GET", `${response.headers.get("location")}`, { headers: { "x-api-key": token } })).status,
    ).toBe(503);
    redis.away = false;
    expect((await client.threads.getState(threadId)).values.taken).toBe(6);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("costs few commands of Redis", async () => {
    const threadId = await newThread();
    const before = redis.commands;
    const started = performance.now();
    for await (const _ of client.runs.stream(threadId, "slow", {
      ...turn(150, 10),
      streamMode: ["values", "updates", "debug"],
      config: { recursion_limit: 500 },
    }));
    const seconds = (performance.now() - started) / 1000;
    expect((redis.commands - before) / seconds).toBeLessThan(20);
  });
});
