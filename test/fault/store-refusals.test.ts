/**
 * A store that says no and will go on to is not one that is away: each refusal is counted, the operator is told of its kind once
 * a minute, and nothing of the request, the token or the key is said.
 */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, Table } from "@tenure/core/dynamo";
import { afterEach, expect, it } from "vitest";
import { openApi, type TestApi } from "../support/service/api.ts";
import { HeldClock } from "../support/stores/held-clock.ts";

const TOKEN = "rest-token-of-the-test";
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function played(listener: RequestListener): Promise<string> {
  const server: Server = createServer((request, response) => {
    request.resume().on("end", () => listener(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const saying =
  (status: number, body: object): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));

const clock = new HeldClock();
async function opened(redis: string, dynamo: string) {
  const [lines, counts]: [string[], Map<string, number>] = [[], new Map()];
  const api: TestApi = await openApi({
    redis: { url: redis, token: TOKEN },
    dynamo: {
      endpoint: dynamo,
      region: "us-east-1",
      credentials: { accessKeyId: "key-id", secretAccessKey: "secret-key" },
    },
    report: (line) => void lines.push(line),
    count: (metric, by = 1) => void counts.set(metric, (counts.get(metric) ?? 0) + by),
    clock,
  });
  open.push(() => api.close());
  return { api, lines, counts };
}

const NOWHERE = "http://127.0.0.1:9";

it.each([
  ["WRONGPASS", 401, "WRONGPASS invalid or missing auth token"],
  ["Unauthorized", 401, "Unauthorized"],
  ["NOPERM", 400, "NOPERM this user has no permissions to run the 'evalsha' command"],
  ["max requests limit exceeded", 400, "ERR max requests limit exceeded. Limit: 500000, Usage: 500000"],
])("Redis says %s", async (kind, status, error) => {
  const { api, lines, counts } = await opened(await played(saying(status, { error })), NOWHERE);
  const ask = () => api.request("POST", "/auth/code", { body: { email: "ada@example.com" } });
  expect((await ask()).status).toBe(503);
  const refused = () => lines.filter((line) => line.includes("store-refused")).map((line) => JSON.parse(line));
  expect(refused()).toEqual([
    { level: "error", event: "store-refused", store: "redis", operation: "evalsha", error: kind },
  ]);
  const before = counts.get("StoreRefusals") ?? 0;
  expect(before).toBeGreaterThan(0);
  await ask();
  expect(counts.get("StoreRefusals")).toBeGreaterThan(before);
  expect(refused()).toHaveLength(1);
  clock.moveBy(60_000);
  await ask();
  expect(refused()).toHaveLength(2);
  for (const secret of [TOKEN, "ada@example.com", "scan"]) expect(lines.join("\n")).not.toContain(secret);
});

it.each(["AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException"])(
  "DynamoDB says %s",
  async (kind) => {
    const answer = saying(400, { __type: `com.amazonaws.dynamodb.v20120810#${kind}`, message: "User: key-id is not" });
    const { api, lines, counts } = await opened(NOWHERE, await played(answer));
    await expect(api.deps.threads.get("thread", "owner")).rejects.toThrow(/is misconfigured/);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "error", event: "store-refused", store: "dynamodb", operation: "GetItem", error: kind },
    ]);
    expect(counts.get("StoreRefusals")).toBe(1);
  },
);

it("what passes by itself is no refusal", async () => {
  const loading = await played(saying(400, { error: "LOADING Redis is loading the dataset in memory" }));
  const throttled = saying(400, { __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException" });
  const { api, lines, counts } = await opened(loading, await played(throttled));
  await api.request("POST", "/auth/code", { body: { email: "ada@example.com" } });
  await api.deps.threads.get("thread", "owner").catch(() => {});
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "warn", event: "store-unavailable", store: "redis", operation: "evalsha", error: "LOADING" },
  ]);
  expect(counts.get("StoreRefusals")).toBeUndefined();
});

it("what may have landed is not known, whatever the next attempt meets", async () => {
  /** Answers all but what is put: that is carried out, as far as anybody knows, and then nobody is there any more. */
  const dying = createServer((request, response) => {
    request.resume().on("end", () => {
      if (!request.headers["x-amz-target"]?.toString().endsWith("PutItem")) return void response.end("{}");
      dying.close();
      dying.closeAllConnections();
    });
  });
  await new Promise<void>((resolve) => dying.listen(0, "127.0.0.1", resolve));
  const tableAt = (endpoint: string) => {
    const client = connectDynamo({
      endpoint,
      region: "local",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    });
    open.push(() => client.destroy());
    return new Table({ client, tableName: "tenure", clock: systemClock });
  };
  const put = (endpoint: string) => tableAt(endpoint).put({ pk: "p", sk: "s" });
  await expect(put(`http://127.0.0.1:${(dying.address() as AddressInfo).port}`)).rejects.toMatchObject({
    reason: { tag: "store-unavailable", outcome: "unknown" },
  });
  await expect(put(NOWHERE)).rejects.toMatchObject({ reason: { tag: "store-unavailable", outcome: "not-applied" } });
});
