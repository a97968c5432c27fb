/** Runs one round of a history: several processes at once on one Redis, behind the gateway and its faults. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { pause } from "@tenure/core/deadline";
import type { SessionPolicy } from "@tenure/core/session";
import { startGateway } from "@tenure/local/gateway/server";
import type { RedisEngine } from "@tenure/local/redis/engine";
import { startProxy } from "../support/stores/proxy.ts";
import { check, type Findings } from "./checker.ts";
import { type Faults, faultyEngine } from "./faulty-engine.ts";
import type { Operation } from "./operations.ts";
import type { Assignment, FromWorker, ToWorker } from "./worker.ts";

export interface RoundOptions {
  engine: RedisEngine;
  store: Assignment["store"];
  name: string;
  operations: number;
  workers: number;
}

const policy: SessionPolicy = { idleMs: 150, absoluteMs: 300, touchEveryMs: 20, maxPerUser: 5 };

const faults: Faults = { lost: 10, late: 5, slow: 150, slowMs: 8, deadlineMs: 1000, lateMs: 1000 };

/** The grain of a millisecond clock at either end, and Redis' own habit of letting a key live through its last one. */
export const ALLOWANCE_MS = 2;

export async function runRound({ engine, store, name, operations, workers }: RoundOptions): Promise<Findings> {
  const token = "history";
  const gateway = await startGateway({ engine: faultyEngine(engine, faults), token });
  try {
    const redis = { url: gateway.url, token, deadlineMs: faults.deadlineMs, keyLocking: true };
    return await round({ redis, store, name, operations, workers });
  } finally {
    await gateway.close();
  }
}

/** The time for which a connection holds, in milliseconds, before it is cut. */
const CUT_EVERY_MS = 150;

/** A round by a client over TCP. Connections to a single server are cut again and again; those to a cluster are left alone. */
export async function runTcpRound(
  options: Omit<RoundOptions, "engine" | "store"> & { client: string; urls: string[]; isCluster: boolean },
): Promise<Findings> {
  const { client, urls, isCluster, ...asked } = options;
  const proxy = isCluster ? undefined : await startProxy(new URL(urls[0] as string));
  const way = {
    client,
    isCluster,
    urls: proxy ? [`redis://127.0.0.1:${proxy.port}`] : urls,
    deadlineMs: faults.deadlineMs,
  };
  let isOver = false;
  const cuts = (async () => {
    while (proxy && !isOver) {
      await pause(CUT_EVERY_MS);
      await proxy.cut();
      await proxy.mend();
    }
  })();
  try {
    return await round({ redis: way, store: "tenure", ...asked });
  } finally {
    isOver = true;
    await cuts;
    await proxy?.cut();
  }
}

async function round({
  redis,
  store,
  name,
  operations,
  workers,
}: Omit<RoundOptions, "engine"> & Pick<Assignment, "redis">): Promise<Findings> {
  const history = await collect({
    ...{ redis, store, policy, round: name, workers, users: 8, concurrency: 8 },
    operations: Math.ceil(operations / workers),
  });
  return check(history, { policy, allowanceMs: ALLOWANCE_MS });
}

async function collect(assignment: Omit<Assignment, "worker">): Promise<Operation[]> {
  const history: Operation[] = [];
  const children: ChildProcess[] = [];
  const tell = (child: ChildProcess, message: ToWorker) => {
    // A worker that has done its part may go while it is told what it no longer needs.
    if (child.connected) child.send(message, () => {});
  };
  const runs = Array.from({ length: assignment.workers }, (_, worker) => {
    const child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), {
      execArgv: ["--import", "tsx", "--conditions=@tenure/source"],
    });
    children.push(child);
    return new Promise<void>((resolve, reject) => {
      child.on("message", (message: FromWorker) => {
        if ("operations" in message) history.push(...message.operations);
        else if ("failed" in message) reject(new Error(message.failed));
        else for (const other of children) if (other !== child) tell(other, message);
      });
      child.on("error", reject);
      child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
      tell(child, { assignment: { ...assignment, worker } });
    });
  });
  try {
    await Promise.all(runs);
  } finally {
    for (const child of children) if (child.exitCode === null) child.kill();
  }
  return history;
}
