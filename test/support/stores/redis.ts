import { randomBytes } from "node:crypto";
import { connectRedis, type RedisStore } from "@tenure/core/redis";
import { startGateway } from "@tenure/local/gateway/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import type { RedisEngine } from "@tenure/local/redis/engine";
import { RedisServer } from "@tenure/local/redis/resp";
import { redisUrl } from "./found.ts";

export interface NamedEngine {
  name: string;
  /** Opens the engine; a redis-server is emptied first. */
  open(): Promise<RedisEngine>;
}

/** Each test file that empties a redis-server has a database of its own, since files run at the same time. */
export function redisEngines(database: number): NamedEngine[] {
  const engines: NamedEngine[] = [{ name: "embedded", open: async () => new EmbeddedRedis() }];
  if (redisUrl)
    engines.push({
      name: "redis-server",
      async open() {
        const server = new RedisServer(new URL(`/${database}`, redisUrl));
        await server.send(["FLUSHDB"]);
        return server;
      },
    });
  return engines;
}

/** Far longer than an engine of this machine takes, however busy that is. */
const DEADLINE_MS = 120_000;

export interface Behind {
  engine: RedisEngine;
  store: RedisStore;
  url: string;
  token: string;
  deadlineMs: number;
  close(): Promise<void>;
}

/** An engine with the gateway in front of it and a client connected. */
export async function behindGateway(engine: RedisEngine): Promise<Behind> {
  const token = randomBytes(8).toString("hex");
  const gateway = await startGateway({ engine, token });
  return {
    engine,
    store: connectRedis({ url: gateway.url, token, deadlineMs: DEADLINE_MS }),
    url: gateway.url,
    token,
    deadlineMs: DEADLINE_MS,
    async close() {
      await gateway.close();
      await engine.close();
    },
  };
}
