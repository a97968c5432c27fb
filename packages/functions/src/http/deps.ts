/** Builds what every part of the API stands on, whichever function serves it: the stores, connected once per process, and the sessions. */

import { type ActivityLog, createActivityLog } from "@tenure/core/activity";
import { type Clock, systemClock } from "@tenure/core/clock";
import {
  connectDynamo,
  type DynamoConfig,
  type DynamoCost,
  type DynamoDBDocumentClient,
  Table,
} from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import { createWindows, type Windows } from "@tenure/core/ratelimit";
import { connectRedis, ping, type RedisConfig, type RedisStore } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy, type SessionPolicy } from "@tenure/core/session";
import { keyedHandle } from "@tenure/core/token";
import { createUserStore, type UserStore } from "@tenure/core/user";
import type { AddressOf } from "./address.ts";
import { type ApiSessionStore, identity } from "./identity.ts";
import { ActivityRecorder } from "./operator/activity.ts";
import { faultsTo, type ReportFault, rarely } from "./operator/faults.ts";
import { type Count, uncounted } from "./operator/metrics.ts";
import { type CookiePolicy, hostCookie } from "./session/credential.ts";

export interface HttpConfig {
  redis: RedisConfig;
  dynamo: DynamoConfig;
  tableName: string;
  /** The key of every keyed hash. Changing it ends all sessions and codes. At least 32 characters. */
  pepper: string;
  /**
   * Names the generation of sessions and codes: those of another one do not exist. To be changed when Redis was restored, which brings
   * back what had ended since. Default: the first, which has no name.
   */
  generation?: string | undefined;
  /** Where a client's address is taken from. It must be something that the client cannot set. */
  addressOf: AddressOf;
  /** The site's origin as browsers see it, where it is not the Host header of the request. */
  publicOrigin?: string | undefined;
  /** Origins whose pages may use the API, like `https://app.example.com`. Default: only the site's own. */
  allowedOrigins?: readonly string[] | undefined;
  /** E-mail addresses of those who may ask how the stores are. */
  operators?: string[] | undefined;
  sessionPolicy?: Partial<SessionPolicy> | undefined;
  /** The time that activity is kept, in milliseconds. Default 90 days. */
  activityTtlMs?: number | undefined;
  /** Takes one line of JSON for whoever runs this. Default: stderr. */
  report?: (line: string) => void;
  /** Takes what is counted. Default: nobody. */
  count?: Count | undefined;
  clock?: Clock | undefined;
}

export interface HttpDeps {
  sessions: ApiSessionStore;
  windows: Windows;
  users: UserStore;
  activity: ActivityRecorder;
  activityLog: ActivityLog;
  pepper: string;
  cookie: CookiePolicy;
  sessionPolicy: SessionPolicy;
  addressOf: AddressOf;
  publicOrigin: string | undefined;
  allowedOrigins: readonly string[];
  operators: string[];
  clock: Clock;
  /** Takes one line of JSON for whoever runs this. */
  report: (line: string) => void;
  count: Count;
  onFault: ReportFault;
  /** Asks each store for a sign of life; throws `store-unavailable`. */
  ping: { redis(): Promise<void>; dynamodb(): Promise<void> };
  /** Closes connections; to be called when no request is under way. */
  close(): void;
}

/** Both stores, connected once per process. */
export interface Stores {
  redis: RedisStore;
  client: DynamoDBDocumentClient;
  table: Table;
  clock: Clock;
  onFault: ReportFault;
}

const MIN_PEPPER = 32;

const toStderr = (line: string) => void process.stderr.write(`${line}\n`);

type StoreConfig = Pick<HttpConfig, "redis" | "dynamo" | "tableName" | "pepper" | "clock" | "count" | "report">;

/** `told` hears of each fault; the operator's log does when it is left out. */
export function connectStores(config: StoreConfig, told?: ReportFault): Stores {
  const { redis, dynamo, tableName, pepper, clock = systemClock, count = uncounted, report = toStderr } = config;
  if (pepper.length < MIN_PEPPER) {
    const problem = `the pepper must have at least ${MIN_PEPPER} characters, not ${pepper.length}`;
    throw new TenureError({ tag: "misconfigured", problems: [problem] });
  }
  const onFault = told ?? faultsTo({ report, count, clock });
  const client = connectDynamo({
    ...dynamo,
    ...(config.count && { onCost: (cost) => countCost(count, cost) }),
    onFault: (fault) => onFault("dynamodb", fault),
  });
  return {
    redis: connectRedis({ ...redis, onFault: (fault) => onFault("redis", fault) }),
    client,
    table: new Table({ client, tableName, clock }),
    clock,
    onFault,
  };
}

export function createHttpDeps(config: HttpConfig, stores: Stores): HttpDeps {
  const { pepper, generation = "", addressOf, publicOrigin, count = uncounted } = config;
  const { redis, client, table, clock, onFault } = stores;
  const activityLog = createActivityLog(table, { ttlMs: config.activityTtlMs });
  const report = config.report ?? toStderr;
  const sessionPolicy = { ...defaultSessionPolicy, ...config.sessionPolicy };
  return {
    sessions: createSessionStore({
      redis,
      policy: sessionPolicy,
      generation: keyedHandle(pepper, "sessions", generation).slice(0, 8),
      data: identity,
      onOtherData: rarely(clock, () => report(JSON.stringify({ level: "warn", event: "session-data-unread" }))),
    }),
    windows: createWindows(redis, pepper),
    users: createUserStore(table, clock),
    activity: new ActivityRecorder({ log: activityLog, clock, report }),
    activityLog,
    pepper,
    cookie: hostCookie,
    sessionPolicy,
    addressOf,
    publicOrigin,
    allowedOrigins: config.allowedOrigins ?? [],
    operators: config.operators ?? [],
    clock,
    report,
    count,
    onFault,
    ping: { redis: () => ping(redis), dynamodb: () => table.ping() },
    close: () => client.destroy(),
  };
}

function countCost(count: Count, { writeUnits, readUnits, retries }: DynamoCost): void {
  if (writeUnits > 0) count("DynamoWriteUnits", writeUnits);
  if (readUnits > 0) count("DynamoReadUnits", readUnits);
  if (retries > 0) count("DynamoRetries", retries);
}
