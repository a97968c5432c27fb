import http, { createServer, type IncomingMessage } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Connections, NOT_SENT, type Post } from "./connections.ts";

const heard: { headers: IncomingMessage["headers"]; body: string; port: number | undefined }[] = [];
const server = createServer(async (request, response) => {
  const { headers, socket } = request;
  heard.push({ headers, body: Buffer.concat(await request.toArray()).toString(), port: socket.remotePort });
  response.end("{}");
});
const connections = new Connections();
let target: { protocol: string; hostname: string; port: number };
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  target = { protocol: "http:", hostname: "127.0.0.1", port: (server.address() as AddressInfo).port };
});
beforeEach(() => void heard.splice(0));
afterAll(() => {
  connections.close();
  server.close();
});

const post = (request: Partial<Post>) => connections.post(target, { headers: {}, body: "{}", ...request });

it("says a request's length in bytes, where it is for, and that the connection stays", async () => {
  await post({ body: "é😀", headers: { "x-own": "1" } });
  await post({ body: Buffer.from([1, 2, 3]), headers: { host: "dynamodb.example" } });
  expect(heard.map(({ headers }) => headers)).toEqual([
    { "content-length": "6", host: `127.0.0.1:${target.port}`, "x-own": "1", connection: "keep-alive" },
    { "content-length": "3", host: "dynamodb.example", connection: "keep-alive" },
  ]);
  expect(heard.map(({ body }) => body)).toEqual(["é😀", "\u0001\u0002\u0003"]);
  expect(heard[1]?.port).toBe(heard[0]?.port);
});

it("keeps its headers where instrumentation copies a request's options, as OpenTelemetry and Datadog do", async () => {
  const { request } = http;
  const copying = ({ headers, ...options }: http.RequestOptions) =>
    request({ ...options, headers: Object.assign({}, headers, { traceparent: "00-1" }) as http.OutgoingHttpHeaders });
  http.request = copying as typeof request;
  syncBuiltinESMExports();
  try {
    await post({ headers: { authorization: "Bearer t" } });
  } finally {
    http.request = request;
    syncBuiltinESMExports();
  }
  const { headers } = heard[0] as (typeof heard)[number];
  expect(headers).toMatchObject({ authorization: "Bearer t", traceparent: "00-1", "content-length": "2" });
  expect(Object.keys(headers).filter((name) => /^\d+$/.test(name))).toEqual([]);
});

it.each(["a\r\nx-injected: 1", "a\0", "a\n"])("refuses a header that would be more than one: %j", async (value) => {
  await expect(post({ headers: { "x-own": value } })).rejects.toThrow("Invalid character in header content");
  expect(heard).toEqual([]);
});

it("sends nothing once no time is left, or the caller has ended it", async () => {
  await expect(post({ deadlineMs: 0 })).rejects.toMatchObject({ name: "TimeoutError", code: NOT_SENT });
  await expect(post({ deadlineMs: -1 })).rejects.toMatchObject({ name: "TimeoutError" });
  await expect(post({ signal: AbortSignal.abort(new Error("ended")) })).rejects.toThrow("ended");
  await post({ deadlineMs: Number.POSITIVE_INFINITY });
  expect(heard).toHaveLength(1);
});
