/** Everything that the API stands on, built once per process from one configuration. */

import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { type ActivityLog, createActivityLog } from "@tenure/core/activity";
import { type AssistantStore, createAssistantStore } from "@tenure/core/assistant";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { type Clock, systemClock } from "@tenure/core/clock";
import { connectDynamo, type DynamoConfig, Table, tableDefinition } from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import { createEventLog, type EventLog } from "@tenure/core/events";
import { type CodePolicy, type CodeStore, createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import { createWindows, type Windows } from "@tenure/core/ratelimit";
import { connectRedis, type RedisConfig } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy, type SessionPolicy } from "@tenure/core/session";
import { DynamoDBStore } from "@tenure/core/store";
import { createThreadStore, defaultLeasePolicy, type LeasePolicy, type ThreadStore } from "@tenure/core/thread";
import { keyedHandle } from "@tenure/core/token";
import { createUserStore, type UserStore } from "@tenure/core/user";
import { ActivityRecorder } from "./activity.ts";
import type { AddressOf } from "./address.ts";
import type { AssistantDefaults } from "./assistants.ts";
import { compileGraphs, type GraphFactory, type Graphs } from "./graphs/index.ts";
import { loadModel } from "./graphs/model.ts";
import { type ApiSessionStore, identity } from "./identity.ts";
import type { Mailer } from "./mailer.ts";
import { type CookiePolicy, hostCookie } from "./middleware/session.ts";
import { checkpointMetadata } from "./runs/config.ts";
import { refuseWithoutLease } from "./runs/lease.ts";

export interface ServiceConfig {
  redis: RedisConfig;
  dynamo: DynamoConfig;
  tableName: string;
  /** The key of every keyed hash. Changing it ends all sessions and codes. At least 32 characters. */
  pepper: string;
  mailer: Mailer;
  /** `provider:model`; the offline model when left out. */
  model?: string | undefined;
  /** What the graphs' own assistants are configured with, by name. */
  defaults?: AssistantDefaults;
  /** Further graphs, by name; those of graphs/index.ts when left out. */
  graphs?: Record<string, GraphFactory>;
  /** How long threads' checkpoints are kept, in milliseconds. Default 30 days. */
  checkpointTtlMs?: number;
  /** Where a client's address is taken from. It must be something that the client cannot set. */
  addressOf: AddressOf;
  /** The site's origin as browsers see it, where it is not the Host header of the request. */
  publicOrigin?: string;
  sessionPolicy?: Partial<SessionPolicy>;
  codePolicy?: Partial<CodePolicy>;
  leasePolicy?: Partial<LeasePolicy>;
  /** How long activity is kept, in milliseconds. Default 90 days. */
  activityTtlMs?: number;
  /** Takes one line of JSON for whoever runs this. Default: stderr. */
  report?: (line: string) => void;
  clock?: Clock;
}

export interface Deps {
  sessions: ApiSessionStore;
  codes: CodeStore;
  windows: Windows;
  users: UserStore;
  threads: ThreadStore;
  activity: ActivityRecorder;
  activityLog: ActivityLog;
  checkpointer: DynamoDBSaver;
  /** With checkpoints, and without, for runs that keep none. */
  graphs: Graphs;
  stateless: Graphs;
  assistants: AssistantStore;
  events: EventLog;
  /** The long-term memory of one user. */
  storeOf: (userId: string) => DynamoDBStore;
  defaults: AssistantDefaults;
  /** Epoch milliseconds. */
  startedAt: number;
  mailer: Mailer;
  pepper: string;
  leasePolicy: LeasePolicy;
  cookie: CookiePolicy;
  addressOf: AddressOf;
  publicOrigin: string | undefined;
  clock: Clock;
  /** Takes one line of JSON for whoever runs this. */
  report: (line: string) => void;
  /** Closes connections; to be called when no request is under way. */
  close(): void;
}

const MIN_PEPPER = 32;
const DAY_MS = 24 * 60 * 60 * 1000;

export async function createDeps(config: ServiceConfig): Promise<Deps> {
  const { clock = systemClock, tableName, pepper, mailer, addressOf, publicOrigin } = config;
  if (pepper.length < MIN_PEPPER) {
    const problem = `the pepper must have at least ${MIN_PEPPER} characters, not ${pepper.length}`;
    throw new TenureError({ tag: "misconfigured", problems: [problem] });
  }
  const redis = connectRedis(config.redis);
  const client = connectDynamo(config.dynamo);
  const table = new Table({ client, tableName, clock });
  const leasePolicy = { ...defaultLeasePolicy, ...config.leasePolicy };
  const checkpointer = new DynamoDBSaver({
    client,
    tableName,
    ttlMs: config.checkpointTtlMs ?? 30 * DAY_MS,
    indexName: tableDefinition.index.name,
    metadataOf: checkpointMetadata,
    beforeWrite: () => refuseWithoutLease(clock.now()),
    clock,
  });
  const model = await loadModel(config.model);
  const activityLog = createActivityLog(table, { ...(config.activityTtlMs && { ttlMs: config.activityTtlMs }) });
  const report = config.report ?? ((line) => void process.stderr.write(`${line}\n`));
  return {
    sessions: createSessionStore({
      redis,
      policy: { ...defaultSessionPolicy, ...config.sessionPolicy },
      generation: keyedHandle(pepper, "sessions", "").slice(0, 8),
      data: identity,
    }),
    codes: createCodeStore(redis, { ...defaultCodePolicy, ...config.codePolicy }),
    windows: createWindows(redis, pepper),
    users: createUserStore(table, clock),
    threads: createThreadStore(table, clock, leasePolicy),
    activity: new ActivityRecorder({ log: activityLog, clock, report }),
    activityLog,
    checkpointer,
    graphs: compileGraphs({ model, checkpointer: checkpointer as unknown as BaseCheckpointSaver }, config.graphs),
    stateless: compileGraphs({ model, checkpointer: undefined }, config.graphs),
    assistants: createAssistantStore(table, clock),
    events: createEventLog(redis),
    storeOf: (scope) => new DynamoDBStore({ client, tableName, scope, clock }),
    defaults: config.defaults ?? {},
    startedAt: clock.now(),
    mailer,
    pepper,
    leasePolicy,
    cookie: hostCookie,
    addressOf,
    publicOrigin,
    clock,
    report,
    close: () => client.destroy(),
  };
}
