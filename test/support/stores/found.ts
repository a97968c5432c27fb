/**
 * The real engines that the tests may use, besides the embedded ones that are always there. redis-server is started where it is
 * on the PATH (runner/engines.ts), and Chromium where Debian puts it; others are named by an environment variable, since the
 * tests write to them as they like.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const { env } = process;

export const isOnPath = (program: string): boolean =>
  (env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));

/** The program that tests start as redis-server: another version, or Valkey's, by `TENURE_TEST_REDIS_SERVER`. */
export const redisProgram = env.TENURE_TEST_REDIS_SERVER ?? "redis-server";
/** True where tests start redis-servers of their own, as a primary and its replica or the nodes of a cluster. */
export const isRedisFound = isOnPath("redis-server") || existsSync(redisProgram);
/** `redis://…`: a redis-server with nothing in it that matters. */
export const redisUrl = env.TENURE_TEST_REDIS_URL;
/** The library that gives a redis-server a clock that stands still, as moved-clock.c says. */
export const movedClockLibrary = env.TENURE_TEST_MOVED_CLOCK;
/** `http://…`: a DynamoDB Local with nothing in it that matters. */
export const dynamoEndpoint = env.TENURE_TEST_DYNAMODB_ENDPOINT;
/** A folder in which @langchain/langgraph-api is installed, to be compared with. */
export const referenceServer = env.TENURE_TEST_REFERENCE;
/** A folder in which s3rver is installed. */
export const s3Server = env.TENURE_TEST_S3RVER;
/** A folder in which AWS' models are installed, as docs/validation.md has it. */
export const awsModels = env.TENURE_TEST_AWS_MODELS;
/** The path of a Python program for which `langgraph-sdk` is installed. */
export const pythonProgram = env.TENURE_TEST_PYTHON;
/** The programs of Node.js by which what others install is run: this one, and those that `TENURE_TEST_NODES` names. */
export const nodePrograms = [process.execPath, ...(env.TENURE_TEST_NODES ?? "").split(delimiter).filter(Boolean)];
export const chromiumPath = [env.TENURE_TEST_CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));

/** SST's platform, to evaluate sst.config.ts with; `npm run sst:platform` brings it. */
export const sstPlatform = fileURLToPath(new URL("../../../.sst/platform", import.meta.url));
/** Both locks of providers are written last. */
export const isSstInstalled = existsSync(join(sstPlatform, "../provider-lock.upstash.json"));

const needs = (what: string, how: string, isFound: boolean) => (isFound ? [] : [`${what} (${how})`]);

/** Every engine that is not found, with what brings it. */
export const missing = (): string[] => [
  ...needs("redis-server", "on the PATH, or TENURE_TEST_REDIS_URL", env.TENURE_TEST_REDIS_URL !== undefined),
  ...needs("redis-server's moved clock", "cc on the PATH, on Linux", env.TENURE_TEST_MOVED_CLOCK !== undefined),
  ...needs("DynamoDB Local", "TENURE_TEST_DYNAMODB_ENDPOINT", dynamoEndpoint !== undefined),
  ...needs("S3", "TENURE_TEST_S3RVER", s3Server !== undefined),
  ...needs("LangGraph's server", "TENURE_TEST_REFERENCE", referenceServer !== undefined),
  ...needs("LangGraph's Python client", "TENURE_TEST_PYTHON", pythonProgram !== undefined),
  ...needs("SST's platform", "npm run sst:platform", isSstInstalled),
  ...needs("AWS' models", "TENURE_TEST_AWS_MODELS", awsModels !== undefined),
  ...needs("Chromium", "/usr/bin/chromium, or TENURE_TEST_CHROMIUM", chromiumPath !== undefined),
];
