/** A program of somebody who has installed sessions for a server: Express, Fastify and node:http on the Redis that its environment names. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connectRedis, type RedisStore } from "@tenure/core/redis";
import { fromNodeRedis } from "@tenure/core/redis/node-redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken } from "@tenure/core/token";
import { createSessions } from "@tenure/http";
import * as onExpress from "@tenure/http/express";
import * as onFastify from "@tenure/http/fastify";
import { guarded } from "@tenure/http/node";
import express from "express";
import Fastify from "fastify";
import { createClient } from "redis";

const deadlineMs = 60_000;
const { UPSTASH_URL = "", UPSTASH_TOKEN = "", REDIS_URL } = process.env;
const client = REDIS_URL === undefined ? undefined : createClient({ url: REDIS_URL });
await client?.connect();
const redis: RedisStore = client
  ? fromNodeRedis(client, { deadlineMs })
  : connectRedis({ url: UPSTASH_URL, token: UPSTASH_TOKEN, deadlineMs });
const data = { parse: (value: unknown) => value as { userId: string } };
const store = createSessionStore({ redis, policy: defaultSessionPolicy, data });
const sessions = createSessions({ sessions: store });
const { token, ref } = newToken(keyedHandle("a pepper of thirty-two characters, at least", "user", "ada"));

const fastify = Fastify();
fastify.get("/", { preHandler: onFastify.gate(sessions) }, async ({ raw }) => sessions.visit(raw).session.data.userId);
await fastify.ready();
const app = express();
app.get("/", onExpress.gate(sessions), (request, response) => {
  response.send(sessions.visit(request).session.data.userId);
});
const plain = guarded([sessions], (request, response) => response.end(sessions.visit(request).session.data.userId));

for (const server of [createServer(app), createServer(plain), fastify.server] as Server[]) {
  await store.create(ref, { data: { userId: "ada" } });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask = () => fetch(url, { headers: { "x-api-key": token } });
  assert.deepEqual(await ask().then(async (answer) => [answer.status, await answer.text()]), [200, "ada"]);
  await store.revoke(ref);
  assert.equal((await ask()).status, 401);
  server.closeAllConnections();
  server.close();
}
client?.destroy();
console.log("servers: ok");
