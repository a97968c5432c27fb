/**
 * Which real engines the tests may use, besides the embedded ones that are always there. Each is named by an
 * environment variable, since the tests write to it as they like; Chromium is looked for where Debian puts it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { postgresFolders, Servers } from "@tenure/ttl-lab/servers";

const { env } = process;

/** `redis://…`: a redis-server with nothing in it that matters. */
export const redisUrl = env.TENURE_TEST_REDIS_URL;
/** A redis-server whose clock can be moved, as moved-clock.c says, and the file that moves it. */
export const movedRedisUrl = env.TENURE_TEST_MOVED_REDIS_URL;
export const movedClockFile = env.TENURE_TEST_MOVED_CLOCK;
/** `http://…`: a DynamoDB Local with nothing in it that matters. */
export const dynamoEndpoint = env.TENURE_TEST_DYNAMODB_ENDPOINT;
/** A folder in which @langchain/langgraph-api is installed, to be compared with. */
export const referenceServer = env.TENURE_TEST_REFERENCE;
export const chromiumPath = [env.TENURE_TEST_CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));

/** SST's platform, to evaluate sst.config.ts with; `npm run sst:platform` brings it. */
export const sstPlatform = fileURLToPath(new URL("../../.sst/platform", import.meta.url));
export const isSstInstalled = existsSync(join(sstPlatform, "node_modules"));

/** What the TTL lab starts by itself, and DynamoDB Local. */
export const isLabEquipped =
  dynamoEndpoint !== undefined &&
  ["redis-server", "mariadbd", "initdb"].every((program) => Servers.find(program, postgresFolders()));

export const missing: string[] = [
  ...(redisUrl ? [] : ["redis-server (TENURE_TEST_REDIS_URL)"]),
  ...(movedRedisUrl && movedClockFile ? [] : ["redis-server with a moved clock (TENURE_TEST_MOVED_REDIS_URL)"]),
  ...(dynamoEndpoint ? [] : ["DynamoDB Local (TENURE_TEST_DYNAMODB_ENDPOINT)"]),
  ...(referenceServer ? [] : ["LangGraph's own server (TENURE_TEST_REFERENCE)"]),
  ...(isSstInstalled ? [] : ["SST's platform (npm run sst:platform)"]),
  ...(isLabEquipped ? [] : ["the TTL lab's servers (redis-server, postgresql, mariadb-server of Debian)"]),
  ...(chromiumPath ? [] : ["Chromium (TENURE_TEST_CHROMIUM)"]),
];
