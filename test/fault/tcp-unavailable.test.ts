/** A Redis over TCP that goes away, says nothing, refuses or answers nonsense: a fault within the deadline, and never "no session". */

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import type { StoreFault } from "@tenure/core/errors";
import { ping, type RedisStore } from "@tenure/core/redis";
import { fromIoredis } from "@tenure/core/redis/ioredis";
import { fromNodeRedis } from "@tenure/core/redis/node-redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken } from "@tenure/core/token";
import { RedisServer } from "@tenure/local/redis/resp";
import { Cluster, Redis } from "ioredis";
import { createClient } from "redis";
import { afterEach, describe, expect, it } from "vitest";
import { isRedisFound } from "../support/stores/found.ts";
import { startProxy } from "../support/stores/proxy.ts";
import { startRedisServer } from "../support/stores/redis-server.ts";
import { tcpClients } from "../support/stores/tcp-clients.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const { token, ref } = newToken(keyedHandle("pepper", "user", "user_ada"));
const read = (redis: RedisStore) =>
  createSessionStore({ redis, policy: defaultSessionPolicy, data: { parse: String } }).readAndTouch(ref);
const unavailable = { reason: { tag: "store-unavailable", store: "redis" } };

/** A server that greets every client as Redis does, and answers scripts as `answer` has it; undefined for nothing at all. */
async function startImpostor(answer: string | undefined): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      for (const [, name = ""] of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        const isScript = /^EVAL/i.test(name);
        if (!isScript) socket.write(/^INFO$/i.test(name) ? "$12\r\nredis_mode:x\r\n" : "+OK\r\n");
        else if (answer !== undefined) socket.write(answer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.runIf(isRedisFound).each(tcpClients)("a server, by $name", ({ name, connect }) => {
  it("is a fault while it is away, and works again afterwards by itself", async () => {
    const server = await startRedisServer();
    closers.push(server.close);
    const proxy = await startProxy(new URL(server.url));
    closers.push(proxy.cut);
    const faults: StoreFault[] = [];
    const url = `redis://127.0.0.1:${proxy.port}`;
    const { store, close } = await connect([url], { deadlineMs: 1000, onFault: (fault) => faults.push(fault) });
    closers.push(close);
    expect(await read(store)).toBeUndefined();
    await proxy.cut();
    for (let i = 0; i < 3; i++) await expect(read(store)).rejects.toMatchObject(unavailable);
    expect(faults.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(faults)).not.toContain(ref.id);
    expect(JSON.stringify(faults)).not.toContain(token);
    await proxy.mend();
    await expect
      .poll(() =>
        ping(store).then(
          () => "answers",
          () => "away",
        ),
      )
      .toBe("answers");
  });

  // node-redis does not connect then, which is the application's to see.
  it.runIf(name !== "redis")("is a fault when the password is wrong", async () => {
    const server = await startRedisServer();
    closers.push(server.close);
    const engine = new RedisServer(new URL(server.url));
    await engine.send(["CONFIG", "SET", "requirepass", "right"]);
    await engine.close();
    const url = server.url.replace("redis://", "redis://:wrong@");
    const { store, close } = await connect([url], { deadlineMs: 2000 });
    closers.push(close);
    await expect(read(store)).rejects.toMatchObject(unavailable);
  });
});

describe.each(tcpClients)("an impostor, by $name", ({ connect }) => {
  it.each([
    ["nothing at all", undefined, { tag: "store-unavailable", outcome: "unknown" }],
    ["nil", "$-1\r\n", { tag: "store-unavailable", outcome: "unknown", why: "malformed" }],
    ["an empty list", "*0\r\n", { tag: "store-unavailable", outcome: "unknown", why: "malformed" }],
    ["the answer to another call", "*2\r\n$1\r\nx\r\n*1\r\n$13\r\n1700000000000\r\n", { why: "malformed" }],
    ["that it is loading", "-LOADING Redis is loading\r\n", { outcome: "not-applied" }],
    ["that it may not", "-NOPERM this user has no permissions\r\n", { outcome: "not-applied", why: "refused" }],
  ])("that answers %s is no word on a session", async (_, answer, reason) => {
    const { store, close } = await connect([await startImpostor(answer)], { deadlineMs: 500 });
    closers.push(close);
    await expect(read(store)).rejects.toMatchObject({ reason });
  });
});

describe("a client that Tenure must not use", () => {
  const quiet = <T extends { disconnect(): void }>(client: T): T => {
    closers.push(() => client.disconnect());
    return client;
  };
  it.each([
    ["sends a command again", () => quiet(new Redis({ lazyConnect: true })), /autoResendUnfulfilledCommands: false/],
    ["has a prefix", () => quiet(new Redis({ lazyConnect: true, keyPrefix: "app:" })), /no keyPrefix/],
    [
      "sends a command of a cluster again",
      () => quiet(new Cluster([], { lazyConnect: true })),
      /retryDelayOnFailover: 0/,
    ],
    [
      "never looks for a promoted node",
      () => quiet(new Cluster([], { lazyConnect: true, retryDelayOnFailover: 0 })),
      /slotsRefreshInterval/,
    ],
  ])("is refused when it %s", (_, client, problem) => {
    expect(() => fromIoredis(client())).toThrow(problem);
  });

  it("is refused when it puts a prefix before keys, by node-redis too", () => {
    expect(() => fromNodeRedis(createClient({ keyPrefix: "app:" }))).toThrow(/no keyPrefix/);
    expect(() => fromNodeRedis(createClient(), { replicas: -1 })).toThrow(/replicas must be/);
  });
});
