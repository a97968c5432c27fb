/**
 * Each cause for which this service cannot answer, by what the client sees, what the operator's log says and what is counted: the
 * table of docs/operations.md is made of these rows.
 */
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterEach, expect, it } from "vitest";
import { openApi } from "../support/service/api.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { freePort } from "../support/stores/port.ts";
import { behindGateway } from "../support/stores/redis.ts";

const TOKEN = "rest-token-of-the-test";
const EMAIL = "ada@example.com";
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function played(listener: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
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
  (status: number, body: string): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(body);
const amazon = (name: string, message = "no") => JSON.stringify({ __type: `com.amazonaws.dynamodb#${name}`, message });

interface World {
  redis: { url: string; token: string; deadlineMs?: number };
  dynamo: { endpoint: string };
  tableName?: string;
  mail?: () => Promise<void>;
}

/** Two stores that answer as they should, as long as nothing is changed. */
async function sound(): Promise<World> {
  const redis = await behindGateway(new EmbeddedRedis());
  open.push(() => redis.close());
  const local = await startLocalDynamo();
  open.push(() => local.close());
  const admin = connectDynamo({ endpoint: local.url, region: "local", credentials });
  await ensureTable(admin, "tenure");
  admin.destroy();
  return {
    redis: { url: redis.url, token: redis.token, deadlineMs: redis.deadlineMs },
    dynamo: { endpoint: local.url },
  };
}

type Change = (world: World) => World | Promise<World>;
const redisAt = async (listener: RequestListener, more = {}): Promise<World["redis"]> => ({
  ...{ url: await played(listener), token: TOKEN },
  ...more,
});
const dynamoAt = async (listener: RequestListener) => ({ endpoint: await played(listener) });
const nowhere = async () => `http://127.0.0.1:${await freePort()}`;

/** The table as it was before it had an index. */
async function withoutIndex(world: World): Promise<World> {
  const client = connectDynamo({ ...world.dynamo, region: "local", credentials });
  const key = (AttributeName: string, KeyType: "HASH" | "RANGE") => ({ AttributeName, KeyType });
  await client.send(
    new CreateTableCommand({
      TableName: "bare",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const })),
      KeySchema: [key("pk", "HASH"), key("sk", "RANGE")],
    }),
  );
  client.destroy();
  return { ...world, tableName: "bare" };
}

interface Row {
  cause: string;
  change: Change;
  /** The route that meets it. */
  asks?: "threads";
  /** Event and words of the operator's line. */
  log: string;
  words: RegExp;
}

const misconfigured: Row[] = [
  {
    cause: "the Upstash token is wrong",
    change: (world) => ({ ...world, redis: { ...world.redis, token: "wrong" } }),
    log: "store-refused",
    words: /Unauthorized|WRONGPASS/,
  },
  {
    cause: "the Upstash token may only read",
    change: async (world) => ({
      ...world,
      redis: await redisAt(
        saying(400, '{"error":"NOPERM this user has no permissions to run the \'evalsha\' command"}'),
      ),
    }),
    log: "store-refused",
    words: /NOPERM/,
  },
  {
    cause: "there is no such table",
    change: (world) => ({ ...world, tableName: "misspelled" }),
    log: "store-refused",
    words: /ResourceNotFoundException/,
  },
  {
    cause: "the table has no index",
    change: withoutIndex,
    asks: "threads",
    log: "store-refused",
    words: /no such index/,
  },
  ...["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"].map((name) => ({
    cause: {
      AccessDeniedException: "the role lacks a permission",
      ExpiredTokenException: "the credentials have expired",
      UnrecognizedClientException: "the credentials are unknown",
    }[name] as string,
    change: async (world: World) => ({
      ...world,
      dynamo: await dynamoAt(saying(400, amazon(name, `User: key-id ${name}`))),
    }),
    log: "store-refused",
    words: new RegExp(name),
  })),
  {
    cause: "SES is in its sandbox",
    change: (world) => ({
      ...world,
      mail: () =>
        Promise.reject(
          new Error(`ses answered 400: {"message":"Email address is not verified. The following failed: ${EMAIL}"}`),
        ),
    }),
    log: "mail-refused",
    words: /not verified/,
  },
];

const passing: Row[] = [
  {
    cause: "Redis cannot be reached",
    change: async (world) => ({ ...world, redis: { url: await nowhere(), token: TOKEN } }),
    log: "store-unavailable",
    words: /ECONNREFUSED/,
  },
  {
    cause: "Redis does not answer in time",
    change: async (world) => ({ ...world, redis: await redisAt(() => {}, { deadlineMs: 200 }) }),
    log: "store-unavailable",
    words: /TimeoutError|AbortError/,
  },
  {
    cause: "a page comes in the place of Redis",
    change: async (world) => ({ ...world, redis: await redisAt(saying(200, "<html>hello</html>")) }),
    log: "store-unavailable",
    words: /SyntaxError/,
  },
  {
    cause: "another answer comes in the place of Redis'",
    change: async (world) => ({ ...world, redis: await redisAt(saying(200, '{"result":[1,2]}')) }),
    log: "store-unavailable",
    words: /MalformedReply/,
  },
  {
    cause: "Redis is loading",
    change: async (world) => ({ ...world, redis: await redisAt(saying(400, '{"error":"LOADING Redis is loading"}')) }),
    log: "store-unavailable",
    words: /LOADING/,
  },
  {
    cause: "the mail service is away",
    change: (world) => ({
      ...world,
      mail: () => Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })),
    }),
    log: "mail-unavailable",
    words: /ECONNREFUSED/,
  },
];

async function met({ change, asks }: Row) {
  const lines: string[] = [];
  const counts = new Map<string, number>();
  const { redis, dynamo, tableName, mail } = await change(await sound());
  let code = "";
  const api = await openApi({
    ...{ redis, dynamo: { ...dynamo, region: "us-east-1", credentials }, ...(tableName && { tableName }) },
    mailer: {
      async sendCode(message) {
        code = message.code;
        await mail?.();
      },
    },
    report: (line) => void lines.push(line),
    count: (metric, by = 1) => void counts.set(metric, (counts.get(metric) ?? 0) + by),
  });
  open.push(() => api.close());
  let answer = await api.request("POST", "/auth/code", { body: { email: EMAIL } });
  if (answer.ok) {
    const { challenge } = (await answer.json()) as { challenge: string };
    answer = await api.request("POST", "/auth/verify", { body: { challenge, code } });
  }
  if (answer.ok && asks === "threads") {
    const { token } = (await answer.json()) as { token: string };
    answer = await api.request("POST", "/threads/search", {
      ...{ body: {}, headers: { authorization: `Bearer ${token}` } },
    });
  }
  const problem = (await answer.json()) as { type: string; title: string };
  const log = lines.map((line) => JSON.parse(line) as Record<string, string>);
  return { status: answer.status, headers: answer.headers, problem, log, lines: lines.join("\n"), counts, code };
}

function expectNoSecret(lines: string, code: string): void {
  for (const secret of [TOKEN, EMAIL, "key-id", "secret", ...(code ? [code] : [])]) expect(lines).not.toContain(secret);
}

const operations = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");

it.each(misconfigured)("$cause: told as such, with its cause for the operator", async (row) => {
  const { status, headers, problem, log, lines, counts, code } = await met(row);
  expect({ status, type: problem.type, title: problem.title }).toEqual({
    ...{ status: 503, type: "/api/problems/misconfigured", title: "The service is misconfigured" },
  });
  expect(headers.get("retry-after")).toBeNull();
  const line = log.find(({ event }) => event === row.log);
  expect(JSON.stringify(line)).toMatch(row.words);
  expect(counts.get(row.log === "mail-refused" ? "MailRefusals" : "StoreRefusals")).toBeGreaterThan(0);
  expectNoSecret(lines, code);
  expect(operations).toContain(`| ${row.cause} | 503 \`misconfigured\` | \`${row.log}\``);
});

it.each(passing)("$cause: try again, with its cause for the operator", async (row) => {
  const { status, headers, log, lines, counts, problem, code } = await met(row);
  expect(status).toBe(503);
  const type = row.log === "mail-unavailable" ? "mail-unavailable" : "store-unavailable";
  expect(problem.type).toBe(`/api/problems/${type}`);
  expect(headers.get("retry-after")).toBe("1");
  expect(JSON.stringify(log.find(({ event }) => event === row.log))).toMatch(row.words);
  expect([counts.get("StoreRefusals"), counts.get("MailRefusals")]).toEqual([undefined, undefined]);
  expect(counts.get("Faults")).toBeGreaterThan(0);
  expectNoSecret(lines, code);
  expect(operations).toContain(`| ${row.cause} | 503 \`${type}\` | \`${row.log}\``);
});
