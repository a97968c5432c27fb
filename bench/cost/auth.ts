/**
 * Processor time of `GET /api/auth/session`, beside better-auth's `GET /get-session`, each on the same Redis by the same client for Upstash's
 * REST API, without its pipelines; and of a session's read and touch, beside a raw `GET` by that client. The process' own time, user and system, in alternating
 * blocks; the gateway is a process of its own. Tables on stdout.
 *
 *   npm --prefix bench run auth -- [--redis redis://127.0.0.1:6379/5] [--blocks 20] [--requests 200]
 *
 * Without an address the local stack's own engine answers.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { connectRedis } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken } from "@tenure/core/token";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { RedisServer } from "@tenure/local/redis/resp";
import { Redis } from "@upstash/redis";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { openApi } from "../../test/support/service/api.ts";
import { credentials } from "../../test/support/stores/dynamo.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";

const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === "gateway" ? 4 : 2),
  options: {
    redis: { type: "string", default: "" },
    blocks: { type: "string", default: "20" },
    requests: { type: "string", default: "200" },
  },
});
const [blocks, requests] = [Number(values.blocks), Number(values.requests)];

/** As core uses the client: each command is a request, and none is sent again. */
const upstash = (gateway: { url: string; token: string }) => ({
  ...gateway,
  ...({ retry: false, enableTelemetry: false, automaticDeserialization: false, enableAutoPipelining: false } as const),
});

if (process.argv[2] === "gateway") {
  const address = process.argv[3] ?? "";
  const { url, token } = await behindGateway(address ? new RedisServer(new URL(address)) : new EmbeddedRedis());
  process.on("disconnect", () => process.exit());
  process.send?.({ url, token });
} else await main();

async function main(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ["gateway", values.redis], { execArgv: process.execArgv });
  const gateway = await new Promise<{ url: string; token: string }>((resolve, reject) => {
    child.once("message", (said) => resolve(said as { url: string; token: string }));
    child.once("exit", (code) => reject(new Error(`the gateway ended with ${code}`)));
  });
  const tenure = await ours(gateway);
  const peer = await theirs(gateway);
  const client = new Redis(upstash(gateway));
  const { ref } = newToken(keyedHandle("a pepper", "user", "bench"));
  const sessions = createSessionStore({
    ...{ redis: connectRedis(gateway), policy: defaultSessionPolicy },
    data: { parse: (stored: unknown) => stored as { userId: string } },
  });
  await sessions.create(ref, { data: { userId: "bench" } });
  await client.set("bench:raw", JSON.stringify({ userId: "bench", at: Date.now() }), { ex: 3600 });
  const raw = async () => {
    if ((await client.get("bench:raw")) === null) throw new Error("the raw key is not there");
  };
  const touch = async () => {
    if (!(await sessions.readAndTouch(ref))) throw new Error("the session is not there");
  };
  console.log(`Node.js ${process.version}, ${blocks} blocks of ${requests} requests each\n`);
  console.log(
    "| ours / the other | at once | ours, CPU ms | the other, CPU ms | ratio of CPU | of the time, median of the pairs |",
  );
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const [name, one, other] of [
    ["`GET /api/auth/session` / better-auth's `GET /get-session`", tenure, peer],
    ["a session, read and touched / a raw `GET` by @upstash/redis", touch, raw],
  ] as const)
    for (const atOnce of [1, 16]) console.log(await compared(name, one, other, atOnce));
  child.removeAllListeners("exit");
  child.disconnect();
  process.exit(0);
}

async function compared(
  name: string,
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
  atOnce: number,
): Promise<string> {
  await measure(one, atOnce);
  await measure(other, atOnce);
  const cpu: [number, number] = [0, 0];
  const times: number[] = [];
  for (let n = 0; n < blocks; n++) {
    const first = await measure(one, atOnce);
    const second = await measure(other, atOnce);
    cpu[0] += first.cpuMs;
    cpu[1] += second.cpuMs;
    times.push(first.ms / second.ms);
    process.stderr.write(`block ${n + 1} of ${blocks}, ${atOnce} at once\n`);
  }
  const each = cpu.map((ms) => (ms / blocks / requests).toFixed(3));
  const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
  return `| ${name} | ${atOnce} | ${each.join(" | ")} | ${(cpu[0] / cpu[1]).toFixed(2)} | ${median.toFixed(2)} |`;
}

async function measure(work: () => Promise<unknown>, atOnce: number): Promise<{ cpuMs: number; ms: number }> {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  const [before, began] = [process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, ms: performance.now() - began };
}

async function ours(gateway: { url: string; token: string }): Promise<() => Promise<unknown>> {
  const { url: endpoint } = await startLocalDynamo();
  const dynamo = { endpoint, region: "local", credentials };
  await ensureTable(connectDynamo(dynamo), "tenure");
  const api = await openApi({ redis: gateway, dynamo });
  const headers = { Authorization: `Bearer ${await api.logIn("ada@example.com")}` };
  return async () => {
    const answer = await api.request("GET", "/auth/session", { headers });
    if (answer.status !== 200) throw new Error(`the session is refused: ${answer.status}`);
    return answer.json();
  };
}

/** Users in memory, sessions in Redis alone, as better-auth has them once there is a secondary storage. */
async function theirs(gateway: { url: string; token: string }): Promise<() => Promise<unknown>> {
  const redis = new Redis(upstash(gateway));
  const origin = "http://127.0.0.1:3999";
  const auth = betterAuth({
    baseURL: origin,
    secret: "a secret of this benchmark alone, 32+ characters",
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    secondaryStorage: {
      get: (key) => redis.get<string>(key),
      set: async (key, value, ttl) => {
        await (ttl ? redis.set(key, value, { ex: ttl }) : redis.set(key, value));
      },
      delete: async (key) => {
        await redis.del(key);
      },
      getAndDelete: (key) => redis.getdel<string>(key),
      increment: async (key, ttl) => {
        await redis.set(key, 0, { ex: ttl, nx: true });
        return redis.incr(key);
      },
    },
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
  const body = { name: "Ada", email: "ada@example.com", password: "correct horse battery staple" };
  const signed = await auth.handler(
    new Request(`${origin}/api/auth/sign-up/email`, {
      ...{ method: "POST", body: JSON.stringify(body) },
      headers: { origin, "content-type": "application/json" },
    }),
  );
  const cookie = signed.headers
    .getSetCookie()
    .map((one) => one.split(";")[0])
    .join("; ");
  return async () => {
    const answer = await auth.handler(new Request(`${origin}/api/auth/get-session`, { headers: { origin, cookie } }));
    const session: unknown = await answer.json();
    if (!session) throw new Error("better-auth has no session");
    return session;
  };
}
