/** A process that serves the API: the real code, on simulated ports. */

import { type DynamoDBDocumentClient, Table } from "@tenure/core/dynamo";
import { createApi } from "@tenure/functions/api";
import { createDeps, type Deps } from "@tenure/functions/deps";
import { Runner } from "@tenure/functions/runs/runner";
import type { Hono } from "hono";
import type { MemoryTable } from "../support/stores/memory-table/table.ts";
import { type Effect, graphs } from "./graphs.ts";
import type { Network } from "./ports/call.ts";
import { dynamoClient } from "./ports/dynamo.ts";
import type { Queue, Worker } from "./ports/queue.ts";
import { type RedisServer, redisStore } from "./ports/redis.ts";
import type { SimulatedProcess } from "./world/process.ts";

export const OWNER = "ada";
const PEPPER = "a pepper of more than thirty-two characters";
const TABLE = "tenure";

/** Replacements for parts of the real code, by which faults are put back to see whether they are found. */
export interface Patches {
  client?: (client: DynamoDBDocumentClient, process: SimulatedProcess) => DynamoDBDocumentClient;
  deps?: (deps: Deps, process: SimulatedProcess) => Partial<Deps>;
  runner?: (runner: Runner, deps: Deps) => Runner;
  /** Changes what all processes share, before a history; returns what takes it back. */
  install?: () => () => void;
}

export interface Stores {
  network: Network;
  table: MemoryTable;
  redis: RedisServer;
  /** Undefined for processes that begin their runs themselves. */
  queue: Queue | undefined;
  journal: Effect[];
  reports: string[];
  patches: Patches;
}

export interface Service extends Worker {
  readonly process: SimulatedProcess;
  readonly deps: Deps;
  readonly runner: Runner;
  readonly api: Hono;
  /** Set once it was told to stop: it is asked nothing more. */
  isStopping: boolean;
}

/** Stand-ins by which every request is a logged-in user's; sessions, codes and limits are another subject. */
const constant = {
  sessions: {
    readAndTouch: async () => ({
      ...{ data: { userId: OWNER, email: "ada@example.com" }, createdAt: 0, origin: {} },
      ...{ idleExpiresAt: Number.MAX_SAFE_INTEGER, absoluteExpiresAt: Number.MAX_SAFE_INTEGER },
    }),
  },
  windows: { take: async () => ({ allowed: true, limit: 1000, remaining: 999, resetAt: 0 }) },
  // With a store of memories LangGraph asks itself a thousand times a second whether there is anything to do.
  storeOf: () => undefined,
};

export async function startService(process: SimulatedProcess, stores: Stores): Promise<Service> {
  const { network, table: memory, redis, queue, journal, reports, patches } = stores;
  return process.run(async () => {
    const own = dynamoClient(network, process, memory);
    const client = patches.client?.(own, process) ?? own;
    const clock = { now: () => process.wallClock(), elapsed: () => process.monotonic() };
    const table = new Table({ client, tableName: TABLE, clock });
    const config = {
      ...{ redis: { url: "", token: "" }, dynamo: {}, tableName: TABLE, pepper: PEPPER, clock },
      ...{ addressOf: () => "192.0.2.1", mailer: { sendCode: async () => {} }, model: {} as never },
      report: (line: string) => {
        reports.push(`${process.name}: ${line}`);
        process.world.note(`${process.name}: reports ${line.slice(0, 300)}`);
      },
      graphs: graphs(journal),
    };
    const made = await createDeps(config, {
      redis: redisStore(network, process, redis),
      client,
      table,
      clock,
      onFault: () => {},
    });
    const find = async () => ({ id: OWNER, email: "ada@example.com", createdAt: 0 });
    const plain = { ...made, ...constant, users: { ...made.users, find, async *closed() {} } } as unknown as Deps;
    const deps = { ...plain, ...patches.deps?.(plain, process) };
    // The event loop is that of all processes, and of the real machine.
    const began = new Runner(deps, { ...(queue && { queue: queue.of(process) }), utilization: () => 0 });
    const runner = patches.runner?.(began, deps) ?? began;
    return {
      ...{ process, deps, runner, api: createApi(deps, runner), isStopping: false },
      async work(threadId: string) {
        await runner.kick(threadId);
        await runner.idle();
      },
    };
  });
}
