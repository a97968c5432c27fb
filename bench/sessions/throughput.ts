import { performance } from "node:perf_hooks";
import { connectRedis } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken } from "@tenure/core/token";
import { Redis } from "@upstash/redis";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import type { Env } from "./port.ts";
import { startDelayingProxy } from "./servers.ts";

export interface Ratio {
  what: string;
  concurrency: number;
  /** Operations per second, medians over blocks. */
  raw: number;
  store: number;
  /** store / raw: of the medians, of the upper quartiles, and over the pairs of neighbouring blocks. */
  ratio: number;
  undisturbed: number;
  lowest: number;
  highest: number;
}

export interface Load {
  blocks: number;
  operations: number;
}

const VALUE = { user: "0123456789abcdef", views: 1, note: "x".repeat(200) };

/** Over loopback, and with a millisecond each way. */
export async function restRatios(env: Env, load: Load): Promise<Ratio[]> {
  const near = await readRatios(env, load, "@upstash/redis over the gateway");
  const proxy = await startDelayingProxy(Number(new URL(env.restUrl).port), 1);
  const far = { ...env, restUrl: `http://127.0.0.1:${proxy.port}` };
  const fewer = { blocks: Math.ceil(load.blocks / 2), operations: Math.ceil(load.operations / 2) };
  const distant = await readRatios(far, fewer, "the same, 1 ms away");
  await proxy.close();
  return [...near, ...distant];
}

/** `readAndTouch` against `GET` of a value of the same length: one client, one gateway, touches not due. */
async function readRatios({ restUrl, restToken }: Env, load: Load, where: string): Promise<Ratio[]> {
  const redis = connectRedis({ url: restUrl, token: restToken, deadlineMs: 10_000 });
  const client = new Redis({ url: restUrl, token: restToken, retry: { retries: 0 }, automaticDeserialization: false });
  const data = { parse: (value: unknown) => value as typeof VALUE };
  const sessions = createSessionStore({ redis, policy: defaultSessionPolicy, data });
  const { ref } = newToken(keyedHandle("bench", "user", "reader"));
  await sessions.create(ref, { data: VALUE });
  const key = `session:{${ref.handle}}:${ref.id}`;
  const record = await client.get<string>(key);
  if (!record) throw new Error(`${key} is not the session's key`);
  const copy = key.replace("session", "rawcopy");
  await client.set(copy, record, { ex: 3600 });
  const raw = async () => {
    if ((await client.get<string>(copy))?.length !== record.length) throw new Error("not the record");
  };
  const store = async () => {
    if ((await sessions.readAndTouch(ref))?.data.user !== VALUE.user) throw new Error("not the session");
  };
  const what = `\`readAndTouch\` / \`GET\`, ${where}`;
  return [await compare(what, 1, raw, store, load), await compare(what, 16, raw, store, load)];
}

/** connect-redis' `get` against `GET` of the same key: one client over TCP. */
export async function tcpRatios({ redisUrl }: Env, load: Load): Promise<Ratio[]> {
  const client = createClient({ url: redisUrl });
  await client.connect();
  const sessions = new RedisStore({ client });
  await sessions.set("reader", { cookie: { originalMaxAge: null }, ...VALUE } as never);
  const raw = async () => {
    if (!(await client.get("sess:reader"))) throw new Error("not the record");
  };
  const store = async () => {
    if (!(await sessions.get("reader"))) throw new Error("not the session");
  };
  const what = "connect-redis `get` / `GET`, redis over TCP";
  const ratios = [await compare(what, 1, raw, store, load), await compare(what, 16, raw, store, load)];
  await client.close();
  return ratios;
}

/** Blocks alternate, and the order within a pair too, so that drift of the machine falls on both alike. */
async function compare(
  what: string,
  concurrency: number,
  raw: () => Promise<void>,
  store: () => Promise<void>,
  { blocks, operations }: Load,
): Promise<Ratio> {
  for (const work of [raw, store, raw, store]) await rate(work, concurrency, operations);
  const pairs: { raw: number; store: number }[] = [];
  for (let i = 0; i < blocks / 2; i++) {
    const pair = { raw: 0, store: 0 };
    for (const name of i % 2 ? (["store", "raw"] as const) : (["raw", "store"] as const))
      pair[name] = await rate(name === "raw" ? raw : store, concurrency, operations);
    pairs.push(pair);
  }
  const at = (share: number, name: "raw" | "store") =>
    quantile(
      pairs.map((pair) => pair[name]),
      share,
    );
  const ratios = pairs.map((pair) => pair.store / pair.raw);
  return {
    what,
    concurrency,
    raw: at(0.5, "raw"),
    store: at(0.5, "store"),
    ratio: at(0.5, "store") / at(0.5, "raw"),
    undisturbed: at(0.75, "store") / at(0.75, "raw"),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}

/** Operations per second. */
async function rate(work: () => Promise<void>, concurrency: number, operations: number): Promise<number> {
  let left = operations;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await work();
    }),
  );
  return (operations * 1000) / (performance.now() - start);
}

/** Between two neighbours, their weighted mean. */
function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position % 1);
}
