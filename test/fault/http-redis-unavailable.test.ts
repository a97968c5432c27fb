/** Over HTTP, trouble with Redis is 503 with Retry-After, in time: nobody is let in, and nobody logged out. */
import { newChallenge, newToken } from "@tenure/core/token";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { holdTimers, isSettled } from "../support/runner/time.ts";
import { openApi, PEPPER, SITE, type TestApi } from "../support/service/api.ts";
import { type Impostor, Requests, redisPlayedBy } from "../support/stores/impostor.ts";

afterEach(() => void vi.useRealTimers());

/** Moved by the tests that want it, and reached in no other. */
const DEADLINE_MS = 120_000;
const account = "A".repeat(22);
const { token, ref } = newToken(account);

const requests: [string, string, unknown?][] = [
  ["POST", "/auth/code", { email: "ada@example.com" }],
  ["POST", "/auth/verify", { challenge: newChallenge(PEPPER, account), code: "123456" }],
  ["GET", "/auth/session"],
  ["GET", "/auth/sessions"],
  ["DELETE", `/auth/sessions/${ref.id}`],
  ["POST", "/auth/logout"],
  ["POST", "/auth/logout-others"],
  ["POST", "/auth/logout-all"],
  ["GET", "/activity"],
  ["POST", "/threads", {}],
  ["GET", "/threads/5f0c0a52-6f0e-4b67-a43b-3e6a43c3b8a1"],
  ["GET", "/threads/5f0c0a52-6f0e-4b67-a43b-3e6a43c3b8a1/state"],
  ["POST", "/threads/5f0c0a52-6f0e-4b67-a43b-3e6a43c3b8a1/runs/stream", { assistant_id: "agent" }],
];

const asked = new Requests();
const silent = asked.take;
const saying = (status: number, body: string) => (_: unknown, response: import("node:http").ServerResponse) =>
  void response.writeHead(status).end(body);

describe.each([
  ["does not answer", silent],
  ["is loading", saying(400, '{"error":"LOADING Redis is loading the dataset in memory"}')],
  ["answers with a page", saying(200, "<html>Welcome</html>")],
  ["answers nil to everything", saying(200, '{"result":null}')],
  ["answers OK to everything", saying(200, '{"result":"T0s="}')],
  ["answers 1 to everything", saying(200, '{"result":1}')],
  ["is not there", undefined],
])("when Redis %s", (_name, listener) => {
  const impostor: Impostor = redisPlayedBy(listener ?? silent);
  let dynamo: Awaited<ReturnType<typeof startLocalDynamo>>;
  let api: TestApi;
  beforeAll(async () => {
    dynamo = await startLocalDynamo();
    api = await openApi({
      redis: { url: impostor.url(), token: "t", deadlineMs: DEADLINE_MS },
      dynamo: { endpoint: dynamo.url, region: "local", credentials: { accessKeyId: "a", secretAccessKey: "b" } },
    });
    if (!listener) await impostor.stop();
  });
  afterAll(async () => {
    await api.close();
    await dynamo.close();
  });

  describe.each([
    ["cookie", { Cookie: `__Host-tenure=${token}`, Origin: SITE, Host: "localhost" }],
    ["bearer token", { Authorization: `Bearer ${token}` }],
  ])("a request with a %s", (_credential, headers) => {
    it.each(requests)("%s %s", async (method, path, body) => {
      const time = listener === silent ? holdTimers() : undefined;
      const answering = api.request(method, path, { headers, ...(body !== undefined && { body }) });
      if (time) {
        await asked.next();
        await time.advance(DEADLINE_MS - 1);
        expect(await isSettled(answering)).toBe(false);
        await time.advance(1);
      }
      const response = await answering;
      time?.release();
      expect([response.status, await response.json()]).toEqual([
        503,
        expect.objectContaining({ type: "/api/problems/store-unavailable" }),
      ]);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(response.headers.get("set-cookie")).toBe(null);
    });
  });
});
