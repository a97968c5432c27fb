/** Opens the stores of the local stack: the data directory, both engines, and the gateway in front of Redis. */
import { randomBytes } from "node:crypto";
import { atMost } from "@tenure/core/deadline";
import { checkFormat, connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { isTenureError, TenureError } from "@tenure/core/errors";
import { openDataDir } from "../data-dir.ts";
import { type LocalDynamo, type LocalDynamoOptions, startLocalDynamo } from "../dynamodb/server.ts";
import { startGateway } from "../gateway/server.ts";
import { EmbeddedRedis, type EmbeddedRedisOptions } from "../redis/embedded.ts";
import type { RedisEngine } from "../redis/engine.ts";
import { RedisServer } from "../redis/resp.ts";
import {
  LOCAL_CREDENTIALS,
  type LocalStores,
  type StoreAccess,
  type StoreConfig,
  type StoreOptions,
  TABLE,
} from "./access.ts";

/** In one process an answer is late when the process is busy, not when a store is away. */
const STORE_DEADLINE_MS = 10_000;
/** For a store's first answer. */
const START_DEADLINE_MS = 5_000;

/** Throws `misconfigured`, in one line, for what cannot be opened. */
export async function openStores(config: StoreConfig, { now, sweepEveryMs }: StoreOptions): Promise<LocalStores> {
  const opened: (() => unknown)[] = [];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const data = openDataDir(config.dataDir);
    opened.push(() => data.release());
    const { skipDamage = false } = config;
    const engine = await openRedis(config, { path: data.redisJournal, skipDamage, now });
    opened.push(() => engine.close());
    const token = randomBytes(32).toString("base64url");
    const gateway = await startGateway({ engine, token });
    opened.push(() => gateway.close());
    const dynamo = await openDynamo(config, { path: data.dynamo, skipDamage, now, sweepEveryMs });
    opened.push(() => dynamo.close());
    const access: StoreAccess = {
      redis: { url: gateway.url, token, deadlineMs: STORE_DEADLINE_MS },
      dynamo: {
        ...{ endpoint: dynamo.url, region: "local", credentials: LOCAL_CREDENTIALS },
        requestTimeoutMs: STORE_DEADLINE_MS,
      },
      pepper: data.pepper,
      generation: data.generation,
    };
    await createTable(access.dynamo, config);
    return {
      access,
      engines: [`redis     ${engine.description}`, `dynamodb  ${dynamo.description}`],
      sweep: dynamo.sweep,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openRedis({ redisUrl }: StoreConfig, embedded: EmbeddedRedisOptions): Promise<RedisEngine> {
  if (!redisUrl) return new EmbeddedRedis(embedded);
  const server = new RedisServer(redisUrl);
  let reply: unknown = new Error(`no answer within ${START_DEADLINE_MS} ms`);
  const asked = server.send(["PING"]).then(
    (answer) => (reply = answer),
    (error: Error) => (reply = error),
  );
  await atMost(START_DEADLINE_MS, asked);
  if (!(reply instanceof Error)) return server;
  await server.close();
  throw misconfigured(
    `TENURE_REDIS_URL: ${redisUrl.host} does not answer (${reply.message}): start redis-server there, or unset it`,
  );
}

export async function openDynamo({ dynamoEndpoint }: StoreConfig, embedded: LocalDynamoOptions): Promise<LocalDynamo> {
  if (!dynamoEndpoint) return startLocalDynamo(embedded);
  const description = `DynamoDB at ${dynamoEndpoint.host}`;
  return { url: dynamoEndpoint.href, description, sweep: async () => 0, close: async () => {} };
}

export async function createTable(dynamo: { endpoint: string }, { dynamoEndpoint }: StoreConfig): Promise<void> {
  const client = connectDynamo(dynamo);
  try {
    await ensureTable(client, TABLE);
    await checkFormat(client, TABLE);
  } catch (error) {
    if (!dynamoEndpoint || isTenureError(error, "misconfigured")) throw error;
    const problem = `TENURE_DYNAMODB_ENDPOINT: ${dynamoEndpoint.host} does not answer: start DynamoDB Local there, or unset it`;
    throw misconfigured(problem);
  } finally {
    client.destroy();
  }
}

const misconfigured = (problem: string) => new TenureError({ tag: "misconfigured", problems: [problem] });
