/** The whole of Tenure in one process on loopback: both stores, the gateway, the API, the mailbox and the site. */
import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { serveStatic } from "@hono/node-server/serve-static";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { type Clock, systemClock } from "@tenure/core/clock";
import { checkFormat, connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { SessionPolicy } from "@tenure/core/session";
import type { LeasePolicy } from "@tenure/core/thread";
import { addressFromHeader } from "@tenure/functions/address";
import { createApi } from "@tenure/functions/api";
import type { AssistantDefaults } from "@tenure/functions/assistants";
import { createDeps, type Deps } from "@tenure/functions/deps";
import { examine, type Finding } from "@tenure/functions/doctor";
import type { GraphFactory } from "@tenure/functions/graphs";
import type { SourceSchemas } from "@tenure/functions/graphs/schemas";
import { problemResponse } from "@tenure/functions/problem";
import { Runner } from "@tenure/functions/runs/runner";
import { siteHeaders } from "@tenure/functions/security-headers";
import { hostCookie } from "@tenure/functions/session";
import { keepProcess } from "@tenure/functions/user-code";
import { Hono, type MiddlewareHandler } from "hono";
import type { LocalConfig } from "./config.ts";
import { openDataDir } from "./data-dir.ts";
import { type LocalDynamo, type LocalDynamoOptions, startLocalDynamo } from "./dynamodb/server.ts";
import { startGateway } from "./gateway/server.ts";
import { openWindows } from "./limits.ts";
import { type Mail, Mailbox } from "./mailbox.ts";
import { EmbeddedRedis, type EmbeddedRedisOptions } from "./redis/embedded.ts";
import type { RedisEngine } from "./redis/engine.ts";
import { RedisServer } from "./redis/resp.ts";

export interface Stack {
  url: string;
  /** The engines in use and where they are, in one line each. */
  engines: string[];
  /** Deletes what has expired from the embedded DynamoDB now, and returns how many items; elsewhere 0. */
  sweep(): Promise<number>;
  /** How it finds its stores. */
  examine(): Promise<Finding[]>;
  /** Ends runs, then requests, then the stores. Everything acknowledged is kept. */
  close(): Promise<void>;
}

const TABLE = "tenure";
const MAILBOX = "/dev/mail";
const SITE = fileURLToPath(new URL("../../web/dist/site", import.meta.url));
const IDLE_CONNECTION_MS = 65_000;
/** In one process an answer is late when the process is busy, not when a store is away. */
const STORE_DEADLINE_MS = 10_000;
const CLOSE_DEADLINE_MS = 1_000;
const SETTLE_DEADLINE_MS = 500;
/** The time between two sweeps for runs that a crash has left, in milliseconds. */
const WATCH_EVERY_MS = 5_000;

export interface StackOptions {
  /** Called with every message that would have been sent. */
  onMail: (mail: Mail) => void;
  /** Other graphs than the service's own, and what they are configured with. */
  graphs?: Record<string, GraphFactory> | undefined;
  schemas?: SourceSchemas | undefined;
  defaults?: AssistantDefaults | undefined;
  leasePolicy?: Partial<LeasePolicy> | undefined;
  sessionPolicy?: Partial<SessionPolicy> | undefined;
  /**
   * Epoch milliseconds, for tests that move time: the clock of both embedded engines, the sweeper, the API, the mailbox and
   * the answers' Date. Engines elsewhere keep to their own; timers and the windows of limits keep to the system's.
   */
  now?: () => number;
  /** The time between two rounds of the embedded DynamoDB's sweeper, in milliseconds; with `false` only `sweep` deletes. */
  sweepEveryMs?: number | false | undefined;
}

export async function startStack(
  config: LocalConfig,
  { onMail, now = systemClock.now, sweepEveryMs, graphs, schemas, defaults, leasePolicy, sessionPolicy }: StackOptions,
): Promise<Stack> {
  const clock: Clock = { now };
  const opened: (() => unknown)[] = [];
  /** Undone in reverse order, when starting fails and when the stack is closed. */
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
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

    const dynamo = await openDynamo(config, {
      path: data.dynamo,
      skipDamage,
      now,
      sweepEveryMs,
    });
    opened.push(() => dynamo.close());
    const dynamoConfig = {
      ...{ endpoint: dynamo.url, region: "local", credentials: LOCAL_CREDENTIALS },
      requestTimeoutMs: STORE_DEADLINE_MS,
    };
    await createTable(dynamoConfig, config);

    const mailbox = new Mailbox(onMail, clock);
    const base = await createDeps({
      redis: { url: gateway.url, token, deadlineMs: STORE_DEADLINE_MS },
      dynamo: dynamoConfig,
      tableName: TABLE,
      pepper: data.pepper,
      generation: data.generation,
      mailer: mailbox,
      model: config.model,
      graphs,
      schemas,
      defaults,
      leasePolicy,
      sessionPolicy: { ...config.sessionPolicy, ...sessionPolicy },
      codePolicy: { ...config.codePolicy, ...(config.limits === "off" && { resendMs: 0 }) },
      threadTtlMs: config.threadTtlMs,
      memoryTtlMs: config.memoryTtlMs,
      allowedOrigins: config.allowedOrigins,
      demo: config.demo !== "off",
      local: {
        mailbox: MAILBOX,
        redis: config.redisUrl ? "a redis-server" : "an emulator of Redis",
        dynamodb: "an emulator of DynamoDB",
      },
      encryption: config.encryption,
      clock,
      addressOf: config.addressHeader ? addressFromHeader(config.addressHeader) : (c) => getConnInfo(c).remote.address,
    });
    opened.push(() => base.close());
    opened.push(() => base.activity.flush(SETTLE_DEADLINE_MS));
    const deps: Deps = {
      ...base,
      ...(config.limits === "off" && { windows: openWindows }),
      // Safari keeps no Secure cookie from http://localhost. See docs/decisions/.
      cookie: config.cookie === "plain" ? { name: `tenure-local-${config.port}`, secure: false } : hostCookie,
    };

    const runner = new Runner(deps, { maxActive: config.maxActiveRuns });
    opened.push(keepProcess({ report: deps.report, stop: () => runner.stop() }));
    const stores = { redis: { url: gateway.url, token }, dynamo: dynamoConfig, tableName: TABLE, pepper: data.pepper };
    const health = () => examine({ ...stores, clock });
    const server = await listen(site(createApi(deps, runner), mailbox, clock, health), config.port);
    opened.push(() => closeServer(server));
    runner.watch(WATCH_EVERY_MS);
    opened.push(() => runner.stop());

    const limits = config.limits === "off" ? ["limits    off (TENURE_LIMITS)"] : [];
    return {
      url: `http://localhost:${config.port}`,
      engines: [
        `redis     ${engine.description}`,
        `dynamodb  ${dynamo.description}`,
        `model     ${config.model ?? "offline rules (set TENURE_MODEL, like openai:gpt-5-mini, for a language model)"}`,
        ...limits,
      ],
      sweep: dynamo.sweep,
      examine: health,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

async function openRedis({ redisUrl }: LocalConfig, embedded: EmbeddedRedisOptions): Promise<RedisEngine> {
  if (!redisUrl) return new EmbeddedRedis(embedded);
  const server = new RedisServer(redisUrl);
  const reply = await server.send(["PING"]).catch((error: Error) => error);
  if (reply instanceof Error)
    throw misconfigured(
      `TENURE_REDIS_URL: ${redisUrl.host} does not answer (${reply.message}): start redis-server there, or unset it`,
    );
  return server;
}

async function openDynamo({ dynamoEndpoint }: LocalConfig, embedded: LocalDynamoOptions): Promise<LocalDynamo> {
  if (!dynamoEndpoint) return startLocalDynamo(embedded);
  const description = `DynamoDB at ${dynamoEndpoint.host}`;
  return { url: dynamoEndpoint.href, description, sweep: async () => 0, close: async () => {} };
}

/** The checkpointer on the stack's data, without the rest of the stack; whoever opens it closes it. */
export async function openCheckpointer(
  config: LocalConfig,
): Promise<{ checkpointer: DynamoDBSaver; close(): Promise<void> }> {
  const data = config.dynamoEndpoint ? undefined : openDataDir(config.dataDir);
  const opened: (() => unknown)[] = [() => data?.release()];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const dynamo = await openDynamo(config, data ? { path: data.dynamo } : {});
    opened.push(() => dynamo.close());
    const endpoint = { endpoint: dynamo.url, region: "local", credentials: LOCAL_CREDENTIALS };
    await createTable(endpoint, config);
    const client = connectDynamo(endpoint);
    opened.push(() => client.destroy());
    return {
      checkpointer: new DynamoDBSaver({
        client,
        tableName: TABLE,
        encryption: config.encryption,
      }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createTable(dynamo: { endpoint: string }, { dynamoEndpoint }: LocalConfig): Promise<void> {
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

/** The API, the mailbox and the site under one origin. */
function site(api: Hono, mailbox: Mailbox, clock: Clock, health: () => Promise<Finding[]>): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    // Node.js would put the system's time here; the page takes it for the server's until an answer says it better.
    c.res.headers.set("Date", new Date(clock.now()).toUTCString());
  });
  app.all("/api/*", (c) => api.fetch(c.req.raw, c.env));
  app.use(siteHeaders());
  app.use("/dev/*", loopbackHostOnly);
  app.route("/dev", mailbox.routes());
  app.get("/dev/doctor.json", async (c) => c.json(await health()));
  app.get("*", serveStatic({ root: SITE }));
  app.notFound((c) => problemResponse(c, new TenureError({ tag: "route-not-found" })));
  return app;
}

/** A page elsewhere cannot read the mailbox by pointing a name of its own at this machine. */
const loopbackHostOnly: MiddlewareHandler = async (c, next) => {
  const host = new URL(c.req.url).hostname;
  if (!["localhost", "127.0.0.1", "[::1]"].includes(host)) return c.text("Open this page on localhost.", 403);
  return next();
};

async function listen(app: Hono, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => resolve(server)) as Server;
    // Clients and proxies give up idle connections first: one that is given up at both ends at once fails a request.
    server.keepAliveTimeout = IDLE_CONNECTION_MS;
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} is taken: stop what uses it, or set PORT to another one`;
      const refused = `port ${port} cannot be used (${error.code}): set PORT to another one`;
      reject(misconfigured(error.code === "EADDRINUSE" ? taken : refused));
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_DEADLINE_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}

const misconfigured = (problem: string) => new TenureError({ tag: "misconfigured", problems: [problem] });
