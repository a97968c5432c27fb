/**
 * Counts what a run of the repository's agent is charged for, on a new thread and as its hundredth turn, and multiplies it by list prices.
 * And counts, by partition of DynamoDB, how many runs a second one deployment can admit and end. Tables on stdout, progress on stderr.
 *
 *   npm --prefix bench run bill -- [--turns 100]
 *
 * On dynalite, behind a proxy that charges as DynamoDB does; none of it has been charged by AWS. The model is the offline one, which answers at
 * once: what a real one takes, in time and in money, comes on top.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { openWindows } from "@tenure/local/limits";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { UNFINISHED } from "../../packages/core/src/thread/run-records.ts";
import { openApi } from "../../test/support/service/api.ts";
import { credentials, dynamoEngines } from "../../test/support/stores/dynamo.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";
import { type Charges, chargedEndpoint } from "./charges.ts";

/**
 * USD, us-east-1, November 2026. Sources: https://aws.amazon.com/dynamodb/pricing/on-demand/, https://aws.amazon.com/lambda/pricing/ (Arm),
 * https://upstash.com/pricing/redis (pay as you go, bandwidth beyond 200 GB a month).
 */
const PRICES = {
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  lambdaGbSecond: 13.3334e-6,
  lambdaRequest: 0.2e-6,
  redisCommand: 2e-6,
  redisGb: 0.03,
};
/** A request of a function to a store of its region takes about so long. */
const STORE_MS = 5;
/** Memory of the function `Api`, in GB. */
const MEMORY_GB = 1;
/** Write units that a partition takes a second. */
const PARTITION_UNITS = 1000;

const { turns } = parseArgs({ options: { turns: { type: "string", default: "100" } } }).values;

const charged = await chargedEndpoint(dynamoEngines[0] as (typeof dynamoEngines)[number]);
const table = await charged.engine.open();
const gateway = await behindGateway(new EmbeddedRedis());
const redis = { commands: 0, bytes: 0 };
const counting = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  const answer = await fetch(gateway.url, {
    ...{ method: "POST", body },
    headers: { authorization: request.headers.authorization ?? "" },
  });
  const text = await answer.text();
  redis.commands += 1;
  redis.bytes += body.length + Buffer.byteLength(text);
  response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
});
await new Promise<void>((resolve) => counting.listen(0, "127.0.0.1", resolve));
const api = await openApi(
  {
    redis: { url: `http://127.0.0.1:${(counting.address() as AddressInfo).port}`, token: gateway.token },
    dynamo: { endpoint: table.endpoint, region: "local", credentials },
    tableName: table.tableName,
  },
  // One user begins all runs, beyond any limit; that is asked about all the same.
  ({ windows }) => ({
    windows: {
      ...windows,
      async take(...asked) {
        await windows.take(...asked);
        return openWindows.take(...asked);
      },
    },
  }),
);
const headers = {
  Authorization: `Bearer ${await api.logIn("ada@example.com")}`,
  "Content-Type": "application/json",
};

interface Cost extends Charges {
  redisCommands: number;
  redisBytes: number;
  httpRequests: number;
}

async function costOf(httpRequests: number, work: () => Promise<unknown>): Promise<Cost> {
  const { commands, bytes } = redis;
  const spent = await charged.during(async () => {
    await work();
    await api.runner.idle();
  });
  return { ...spent, redisCommands: redis.commands - commands, redisBytes: redis.bytes - bytes, httpRequests };
}

const newThread = async () => {
  const answer = await api.request("POST", "/threads", { headers, body: {} });
  return ((await answer.json()) as { thread_id: string }).thread_id;
};
async function turn(threadId: string, n: number): Promise<void> {
  // The agent calculates: four supersteps, a tool among them.
  const content = `Turn ${n} of this chat, in which we calculate: what is ${n} * 23?`;
  const body = { assistant_id: "agent", input: { messages: [{ role: "user", content }] } };
  const asked = { ...body, stream_mode: ["values", "messages-tuple"] };
  const answer = await api.request("POST", `/threads/${threadId}/runs/stream`, { headers, body: asked });
  if (!(await answer.text()).includes("event: values")) throw new Error(`turn ${n} has told no values`);
}

// The format of the table and the graph's assistant are read once by a process, and Redis is sent each script once.
await turn(await newThread(), 0);
let threadId = "";
const first = await costOf(2, async () => {
  threadId = await newThread();
  await turn(threadId, 1);
});
for (let n = 2; n < Number(turns); n++) {
  await turn(threadId, n);
  if (n % 20 === 0) process.stderr.write(`turn ${n} of ${turns}\n`);
}
const last = await costOf(1, () => turn(threadId, Number(turns)));

/** In USD for a million runs. */
function bill(cost: Cost): [string, string, number][] {
  const { requests, writeUnits, indexWriteUnits, readUnits, redisCommands, redisBytes, httpRequests } = cost;
  const seconds = ((requests + redisCommands) * STORE_MS) / 1000;
  const million = 1e6;
  return [
    [
      "DynamoDB, write units",
      `${writeUnits} + ${indexWriteUnits} in the index`,
      (writeUnits + indexWriteUnits) * PRICES.writeUnit,
    ],
    ["DynamoDB, read units", `${readUnits}, in ${requests} requests of all kinds`, readUnits * PRICES.readUnit],
    ["Redis, commands", `${redisCommands}`, redisCommands * PRICES.redisCommand],
    ["Redis, bytes", `${redisBytes}`, (redisBytes / 1e9) * PRICES.redisGb],
    [
      "Lambda, one request to a store after the other",
      `${seconds.toFixed(3)} s of ${MEMORY_GB} GB`,
      seconds * MEMORY_GB * PRICES.lambdaGbSecond,
    ],
    ["Lambda, requests", `${httpRequests}`, httpRequests * PRICES.lambdaRequest],
  ].map(([name, count, usd]) => [name as string, count as string, (usd as number) * million]);
}

const [ofFirst, ofLast] = [bill(first), bill(last)];
const sum = (lines: [string, string, number][]) => lines.reduce((all, [, , usd]) => all + usd, 0);
console.log(`| a run | a new thread and its first | USD a million | turn ${turns} | USD a million |`);
console.log("| --- | --- | --- | --- | --- |");
for (const [n, [name, count, usd]] of ofFirst.entries()) {
  const [, lastCount, lastUsd] = ofLast[n] as [string, string, number];
  console.log(`| ${name} | ${count} | ${usd.toFixed(2)} | ${lastCount} | ${lastUsd.toFixed(2)} |`);
}
console.log(`| all | | ${sum(ofFirst).toFixed(2)} | | ${sum(ofLast).toFixed(2)} |`);

/**
 * Partitions that all users share, by what is left of their keys without numbers and ids, and how many there are of each. Others are of one thread or one user,
 * and there are as many as there are of those.
 */
const SHARED: [name: string, pattern: RegExp, partitions: number][] = [
  ["runs that have not ended, in the index", /^index:runs#unfinished/, UNFINISHED.length - 1],
  ["first checkpoints of threads, in the index", /^index:checkpoints#/, 16],
];
console.log("\n| partitions that all users share | of them | write units of a run, new thread | runs a second |");
console.log("| --- | --- | --- | --- |");
const known = [/^(?:index:)?threads?#/, /^checkpoint#/, /^owner#/, /^user#/];
for (const [name, pattern, count] of SHARED) {
  const units = [...first.partitions].filter(([key]) => pattern.test(key)).reduce((all, [, one]) => all + one, 0);
  console.log(
    `| ${name} | ${count} | ${units} | ${units > 0 ? Math.floor((count * PARTITION_UNITS) / units) : "any"} |`,
  );
}
for (const key of first.partitions.keys())
  if (![...known, ...SHARED.map(([, pattern]) => pattern)].some((pattern) => pattern.test(key)))
    throw new Error(`a partition that is neither shared nor of one thread or user: ${key.replace(/#.*/, "#…")}`);
const ofThread = [...last.partitions].map(([, units]) => units);
console.log(
  `\nThe most that one partition of a thread or user takes for a further turn: ${Math.max(...ofThread)} write units, so ${Math.floor(PARTITION_UNITS / Math.max(...ofThread))} runs a second.`,
);
process.exit(0);
