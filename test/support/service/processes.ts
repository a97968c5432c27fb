/**
 * Several processes of the service in one program, on one DynamoDB and one Redis. Each has a clock of its own that a test sets
 * forward, and dies when a test says so: from then on none of its requests is sent.
 */
import { randomUUID } from "node:crypto";
import { connectDynamo, type DynamoDBDocumentClient, ensureTable, Table } from "@tenure/core/dynamo";
import type { NewRun } from "@tenure/core/thread";
import { createDeps, type Deps } from "@tenure/functions/deps";
import type { GraphFactory } from "@tenure/functions/graphs";
import { Runner } from "@tenure/functions/runs/runner";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { credentials } from "../stores/dynamo.ts";
import { type MortalEndpoint, mortalEndpoint } from "../stores/mortal-endpoint.ts";
import { behindGateway } from "../stores/redis.ts";
import { PEPPER } from "./api.ts";

export interface Process {
  deps: Deps;
  runner: Runner;
  /** Threads that it has left to the queue. */
  queued: string[];
  /** Sets its clocks forward, in milliseconds. */
  pass(ms: number): void;
  /** The process' connection to DynamoDB, which a test can make die at a request, and the process with it. */
  dynamo: MortalEndpoint;
  /** From now on nothing of it is sent, and nothing is answered. */
  die(): void;
  /** Looks for what is due in a thread, and waits for it; a holder that was seen before counts as dead. */
  takeOver(threadId: string): Promise<void>;
}

export interface Processes {
  open(options?: { graphs?: Record<string, GraphFactory>; replace?: (deps: Deps) => Partial<Deps> }): Promise<Process>;
  table: Table;
  client: DynamoDBDocumentClient;
  newThread(): Promise<string>;
  close(): Promise<void>;
}

/** The body of a request for a run. */
export type Request = Record<string, unknown>;

export const OWNER = "ada";

/** A run as a request asks for it, on the graph `graph`. */
export function newRun(threadId: string, request: Request = {}, more: Partial<NewRun> = {}): NewRun {
  const now = Date.now();
  return {
    ...{ id: randomUUID(), threadId, owner: OWNER, assistantId: "graph", graphId: "graph", metadata: {} },
    ...{ multitask: "reject", createdAt: now, startAt: now, request: { assistant_id: "graph", input: {}, ...request } },
    ...more,
  };
}

export async function openProcesses(graphs: Record<string, GraphFactory> = {}): Promise<Processes> {
  const dynamo = await startLocalDynamo();
  const config = { endpoint: dynamo.url, region: "local", credentials };
  const client = connectDynamo(config);
  await ensureTable(client, "tenure");
  const gateway = await behindGateway(new EmbeddedRedis());
  const opened: Process[] = [];
  const never = () => new Promise<never>(() => {});

  async function open({
    graphs: own = graphs,
    replace = () => ({}),
  }: Parameters<Processes["open"]>[0] = {}): Promise<Process> {
    let moved = 0;
    let isDead = false;
    const clock = { now: () => Date.now() + moved, elapsed: () => performance.now() + moved };
    const way = await mortalEndpoint(dynamo.url, () => {
      isDead = true;
    });
    const made = await createDeps({
      ...{ redis: { url: gateway.url, token: gateway.token }, tableName: "tenure", pepper: PEPPER, clock },
      dynamo: { ...config, endpoint: way.url },
      addressOf: () => "192.0.2.1",
      mailer: { sendCode: async () => {} },
      report: () => {},
      graphs: own,
    });
    /** Each method of a port, until the process dies. */
    const mortal = <T extends object>(port: T): T =>
      new Proxy(port, {
        get(target, name) {
          const method = Reflect.get(target, name);
          if (typeof method !== "function") return method;
          return (...args: unknown[]) => (isDead ? never() : method.apply(target, args));
        },
      });
    const deps: Deps = { ...made, threads: mortal(made.threads), events: mortal(made.events) };
    Object.assign(deps, replace(deps));
    const queued: string[] = [];
    const send = async (threadId: string) => void queued.push(threadId);
    const runner = new Runner(deps, { queue: { send, sendFound: send } });
    const process: Process = {
      ...{ deps, runner, queued, dynamo: way },
      pass: (ms) => {
        moved += ms;
      },
      die: () => way.die(),
      async takeOver(threadId) {
        await runner.kick(threadId);
        // A lease that was held then, and is as it was.
        moved += deps.leasePolicy.leaseMs;
        await runner.kick(threadId);
        for (const run of (await deps.threads.get(threadId, OWNER))?.inflight ?? []) await runner.live(run)?.done;
      },
    };
    opened.push(process);
    return process;
  }

  return {
    open,
    client,
    table: new Table({ client, tableName: "tenure", clock: { now: Date.now } }),
    async newThread() {
      const id = randomUUID();
      const { deps } = opened[0] ?? (await open());
      await deps.threads.create({ id, owner: OWNER, metadata: { graph_id: "graph" } });
      return id;
    },
    async close() {
      for (const one of opened) {
        one.die();
        one.deps.close();
        await one.dynamo.close();
      }
      client.destroy();
      await gateway.close();
      await dynamo.close();
    },
  };
}
