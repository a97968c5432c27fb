/** The deployed API on the local stores: the same code on other engines, with a mailer that is given to it. */
import { getConnInfo } from "@hono/node-server/conninfo";
import { type Clock, systemClock } from "@tenure/core/clock";
import type { SessionPolicy } from "@tenure/core/session";
import type { LeasePolicy } from "@tenure/core/thread";
import { addressFromHeader } from "@tenure/functions/address";
import { createApi } from "@tenure/functions/api";
import type { App } from "@tenure/functions/app";
import { createDeps, type Deps } from "@tenure/functions/deps";
import { examine, type Finding } from "@tenure/functions/doctor";
import type { Mailer } from "@tenure/functions/mailer";
import { Runner } from "@tenure/functions/runs/runner";
import { hostCookie } from "@tenure/functions/session";
import { keepProcess } from "@tenure/functions/user-code";
import type { Hono } from "hono";
import type { LocalConfig } from "./config.ts";
import { openWindows } from "./limits.ts";
import { MAILBOX } from "./site.ts";
import { type StoreAccess, TABLE } from "./stores/access.ts";

const SETTLE_DEADLINE_MS = 500;
/** The time between two sweeps for runs that a crash has left, in milliseconds. */
const WATCH_EVERY_MS = 5_000;

export interface ServiceOptions extends Partial<App> {
  leasePolicy?: Partial<LeasePolicy> | undefined;
  sessionPolicy?: Partial<SessionPolicy> | undefined;
  clock?: Clock | undefined;
}

export interface LocalService {
  api: Hono;
  /** The model, and what is switched off, in one line each. */
  lines: string[];
  /** How it finds its stores. */
  examine(): Promise<Finding[]>;
  /** Begins to look for runs that have been left behind; to be called once requests can be answered. */
  watch(): void;
  /** Goes on, now, with runs that another process has left behind. */
  sweep(): Promise<void>;
  /** Ends runs at their last checkpoint, and the streams of their clients, who ask again. Begins nothing from now on. */
  stop(): Promise<void>;
  /** To be called once no request is under way. */
  close(): Promise<void>;
}

export async function createService(
  config: LocalConfig,
  access: StoreAccess,
  mailer: Mailer,
  { clock = systemClock, leasePolicy, sessionPolicy, graphs, schemas, defaults, routes }: ServiceOptions = {},
): Promise<LocalService> {
  const base = await createDeps({
    ...access,
    tableName: TABLE,
    mailer,
    model: config.model,
    graphs,
    schemas,
    defaults,
    leasePolicy,
    sessionPolicy: { ...config.sessionPolicy, ...sessionPolicy },
    codePolicy: { ...config.codePolicy, ...(config.limits === "off" && { resendMs: 0 }) },
    threadTtlMs: config.threadTtlMs,
    threadStrategy: config.threadStrategy,
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
  const deps: Deps = {
    ...base,
    ...(config.limits === "off" && { windows: openWindows }),
    // Safari keeps no Secure cookie from http://localhost. See docs/decisions/.
    cookie: config.cookie === "plain" ? { name: `tenure-local-${config.port}`, secure: false } : hostCookie,
  };
  const runner = new Runner(deps, { maxActive: config.maxActiveRuns });
  const unkeep = keepProcess({ report: deps.report, stop: () => runner.stop() });
  const close = async () => {
    unkeep();
    await base.activity.flush(SETTLE_DEADLINE_MS);
    base.close();
  };
  let api: Hono;
  try {
    api = createApi(deps, runner, routes);
  } catch (error) {
    await close();
    throw error;
  }
  const limits = config.limits === "off" ? ["limits    off (TENURE_LIMITS)"] : [];
  return {
    api,
    lines: [
      `model     ${config.model ?? "offline rules (set TENURE_MODEL, like openai:gpt-5-mini, for a language model)"}`,
      ...limits,
    ],
    examine: () => examine({ ...access, tableName: TABLE, clock }),
    watch: () => runner.watch(WATCH_EVERY_MS),
    sweep: () => runner.sweep(),
    stop: () => runner.stop(),
    close,
  };
}
