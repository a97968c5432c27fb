/**
 * Processor time of one request to each store, by the client that core makes of it: the process' own time (user and system) over
 * many requests, with the server in a process of its own. A bare `node:http` request with the same body on one keep-alive agent is
 * the least that Node.js takes. Tables on stdout.
 *
 *   npm --prefix bench run requests -- [--requests 3000] [--at-once 1,16] [--dynamodb http://127.0.0.1:8000] [--redis redis://127.0.0.1:6379/5]
 *
 * Without the addresses the local stack's own engines answer.
 */
import { fork } from "node:child_process";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, ensureTable, Table } from "@tenure/core/dynamo";
import { connectRedis } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken } from "@tenure/core/token";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { RedisServer } from "@tenure/local/redis/resp";
import { credentials } from "../../test/support/stores/dynamo.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";

const options = {
  requests: { type: "string", default: "3000" },
  "at-once": { type: "string", default: "1,16" },
  dynamodb: { type: "string", default: "" },
  redis: { type: "string", default: "" },
} as const;

const servers: Record<string, (address: string) => Promise<{ url: string; token?: string }>> = {
  dynamodb: async (address) => ({ url: address || (await startLocalDynamo()).url }),
  redis: async (address) => {
    const { url, token } = await behindGateway(address ? new RedisServer(new URL(address)) : new EmbeddedRedis());
    return { url, token };
  },
};

function start(server: string, address: string): Promise<{ url: string; token: string }> {
  const child = fork(fileURLToPath(import.meta.url), ["part", server, address], { execArgv: process.execArgv });
  return new Promise((resolve, reject) => {
    child.once("message", (said) => resolve(said as { url: string; token: string }));
    child.once("exit", (code) => reject(new Error(`${server} ended with ${code}`)));
  });
}

interface Measured {
  cpuMs: number;
  medianMs: number;
}

/** Processor time for each request, and the median time that one takes. */
async function measure(work: () => Promise<unknown>, requests: number, atOnce: number): Promise<Measured> {
  const times: number[] = [];
  const some = async (count: number) => {
    let left = count;
    const one = async () => {
      while (left-- > 0) {
        const begun = performance.now();
        await work();
        times.push(performance.now() - begun);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  };
  await some(requests / 3);
  times.length = 0;
  const before = process.cpuUsage();
  await some(requests);
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000 / requests, medianMs: times.sort((a, b) => a - b)[times.length >> 1] ?? 0 };
}

const agent = new Agent({ keepAlive: true });
const bare = (url: string, headers: Record<string, string>, body: string) =>
  new Promise<string>((resolve, reject) => {
    const asked = request(url, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve(JSON.parse(text)));
    });
    asked.on("error", reject).end(body);
  });

async function dynamoWork(endpoint: string): Promise<[string, () => Promise<unknown>][]> {
  const client = connectDynamo({ endpoint, region: "local", credentials, requestTimeoutMs: 60_000 });
  const tableName = `requests-${process.pid}`;
  await ensureTable(client, tableName);
  const table = new Table({ client, tableName, clock: systemClock });
  const key = { pk: "thread#0", sk: "head#0" };
  const item = {
    ...key,
    ...{ owner: "user_0", status: "idle", metadata: { graph_id: "agent" }, bytes: new Uint8Array(600).fill(7) },
  };
  await table.put(item);
  for (let n = 1; n < 10; n++) await table.put({ ...item, sk: `head#${n}` });
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem" };
  const signed =
    "AWS4-HMAC-SHA256 Credential=local/20261127/local/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0";
  const date = "20261127T000000Z";
  const query = JSON.stringify({
    ...{ TableName: tableName, Key: { pk: { S: key.pk }, sk: { S: key.sk } }, ConsistentRead: true },
  });
  return [
    ["bare GetItem", () => bare(endpoint, { ...headers, authorization: signed, "x-amz-date": date }, query)],
    ["get, 1 KB", () => table.get(key)],
    ["put, 1 KB", () => table.put(item)],
    [
      "update",
      () =>
        table.updated(key, {
          ...{ expression: "SET #s = :s", condition: "#o = :o", names: { "#s": "status", "#o": "owner" } },
          values: { ":s": "busy", ":o": "user_0" },
        }),
    ],
    [
      "query, 10 items of 1 KB",
      async () => {
        for await (const _ of table.query({ pk: key.pk, prefix: "head#" }));
      },
    ],
  ];
}

async function redisWork({ url, token }: { url: string; token: string }): Promise<[string, () => Promise<unknown>][]> {
  const redis = connectRedis({ url, token, deadlineMs: 60_000 });
  const data = { parse: (value: unknown) => value as { userId: string } };
  const sessions = createSessionStore({ redis, policy: defaultSessionPolicy, data });
  const { ref } = newToken(keyedHandle("a pepper of more than thirty-two characters", "user", "user_0"));
  await sessions.create(ref, { data: { userId: "user_0" } });
  const authorization = `Bearer ${token}`;
  const body = JSON.stringify(["GET", "nothing"]);
  return [
    ["bare GET", () => bare(url, { authorization }, body)],
    [
      "session, read and touch",
      async () => {
        if (!(await sessions.readAndTouch(ref))) throw new Error("no session");
      },
    ],
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  const requests = Number(values.requests);
  const work = [
    ...(await dynamoWork((await start("dynamodb", values.dynamodb)).url)),
    ...(await redisWork(await start("redis", values.redis))),
  ];
  console.log(`Node.js ${process.version}, ${requests} requests each\n`);
  console.log("| request | at once | CPU, ms | median, ms |\n| --- | --- | --- | --- |");
  for (const [name, one] of work)
    for (const atOnce of values["at-once"].split(",").map(Number)) {
      const { cpuMs, medianMs } = await measure(one, requests, atOnce);
      console.log(`| ${name} | ${atOnce} | ${cpuMs.toFixed(3)} | ${medianMs.toFixed(2)} |`);
    }
  process.exit(0);
}

const [, , role, server = "", address = ""] = process.argv;
if (role === "part") {
  process.on("disconnect", () => process.exit());
  process.send?.(await servers[server]?.(address));
} else await main();
