/** Answers that are lost, and failures that nobody foresaw: both leave a trace for whoever has to find out. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApi, type TestApi } from "../support/service/api.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { behindGateway } from "../support/stores/redis.ts";

describe("what nobody knows the outcome of", () => {
  let dynamo: Awaited<ReturnType<typeof startLocalDynamo>>;
  let gateway: Awaited<ReturnType<typeof behindGateway>>;
  let proxy: Server;
  let api: TestApi;
  /** The text in a request by which its answer is lost; empty when no answer is. */
  let lost = "";
  const lines: { event: string; session?: string; error?: string; path?: string }[] = [];

  beforeAll(async () => {
    dynamo = await startLocalDynamo();
    const admin = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
    await ensureTable(admin, "tenure");
    admin.destroy();
    gateway = await behindGateway(new EmbeddedRedis());
    proxy = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const answer = await fetch(gateway.url + request.url, {
        method: "POST",
        headers: request.headers as Record<string, string>,
        body,
      });
      if (lost && body.includes(lost)) return void request.socket.destroy();
      response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    api = await openApi({
      redis: { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, token: gateway.token },
      dynamo: { endpoint: dynamo.url, region: "local", credentials },
      codePolicy: { resendMs: 0 },
      report: (line) => lines.push(JSON.parse(line)),
    });
  });
  afterAll(async () => {
    await api.close();
    proxy.closeAllConnections();
    proxy.close();
    await gateway.close();
    await dynamo.close();
  });

  async function logIn(): Promise<{ token: string; id: string; headers: { Authorization: string } }> {
    const asked = await api.request("POST", "/auth/code", { body: { email: "ada@example.com" } });
    const { challenge } = (await asked.json()) as { challenge: string };
    const verified = await api.request("POST", "/auth/verify", { body: { challenge, code: api.sent() } });
    const { token, session } = (await verified.json()) as { token: string; session: { id: string } };
    return { token, id: session.id, headers: { Authorization: `Bearer ${token}` } };
  }
  const kinds = async (headers: HeadersInit) => {
    await api.deps.activity.flush(120_000);
    const { activity } = (await (await api.request("GET", "/activity", { headers })).json()) as {
      activity: { kind: string; detail: object }[];
    };
    return activity.map(({ kind, detail }) => [kind, detail]);
  };

  it("a revocation whose answer is lost is on record as unconfirmed", async () => {
    const [known, other, own] = [await logIn(), await logIn(), await logIn()];
    // So that the server knows the script: what is lost is its answer.
    expect((await api.request("DELETE", `/auth/sessions/${known.id}`, { headers: own.headers })).status).toBe(204);
    lost = other.id;
    expect((await api.request("DELETE", `/auth/sessions/${other.id}`, { headers: own.headers })).status).toBe(503);
    lost = "";
    expect((await api.request("DELETE", `/auth/sessions/${other.id}`, { headers: own.headers })).status).toBe(404);
    expect((await kinds(own.headers))[0]).toEqual([
      "session-revoked",
      { session: own.id, target: other.id, unconfirmed: 1 },
    ]);
  });

  it("a logout whose answer is lost is told to the operator", async () => {
    const { id, headers } = await logIn();
    lost = id;
    expect((await api.request("POST", "/auth/logout", { headers })).status).toBe(503);
    lost = "";
    expect((await api.request("POST", "/auth/logout", { headers })).status).toBe(401);
    expect(lines).toContainEqual({ level: "warn", event: "logout-unconfirmed", session: id });
  });

  it("a failure that nobody foresaw is one line for the operator, without query or headers", async () => {
    const { headers } = await logIn();
    const { activityLog } = api.deps;
    const { list } = activityLog;
    activityLog.list = () => Promise.reject(new RangeError("a bug"));
    const response = await api.request("GET", "/activity?limit=3", { headers });
    activityLog.list = list;
    expect([response.status, await response.json()]).toEqual([
      500,
      expect.objectContaining({ type: "/api/problems/internal" }),
    ]);
    expect(lines.at(-1)).toMatchObject({
      event: "request-failed",
      path: "/api/activity",
      error: expect.stringContaining("RangeError: a bug"),
    });
    expect(JSON.stringify(lines)).not.toContain("limit=3");
  });

  it("a refusal by the account's limit is on record", async () => {
    const { headers } = await logIn();
    let status = 0;
    for (let i = 0; i < 12 && status !== 429; i++)
      status = (await api.request("POST", "/auth/code", { body: { email: "ada@example.com" } })).status;
    expect([status, (await kinds(headers))[0]]).toEqual([429, ["code-withheld", {}]]);
  });
});
