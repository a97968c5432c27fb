/** The facts of a history once it has come to rest: what users saw, what nodes did, and what a fresh process reads. */
import type { Run, Thread } from "@tenure/core/thread";
import type { MemoryTable } from "../../support/stores/memory-table/table.ts";
import type { Disruption } from "../faults.ts";
import type { Effect } from "../graphs.ts";
import type { RedisServer } from "../ports/redis.ts";
import type { Service } from "../service.ts";
import type { Message, Plan, ThreadPlan } from "../workload/plan.ts";
import type { Seen, Sent } from "../workload/record.ts";
import type { World } from "../world/world.ts";

export interface Violation {
  /** A fixed name, by which a shorter history is known to break the same. */
  invariant: string;
  detail: string;
}

/** A disruption of a process, and the time that it lasted. */
export interface Disrupted {
  process: string;
  kind: Disruption;
  from: number;
  until: number;
  /** When it said that it has given back what it had. */
  handedOver?: number;
}

export interface Ending {
  world: World;
  plan: Plan;
  seen: Seen;
  journal: Effect[];
  table: MemoryTable;
  redis: RedisServer;
  disruptions: Disrupted[];
  reports: string[];
  fresh: Service;
  /** Goes on with the world until then, for so many milliseconds at most. */
  run(isOver: () => boolean, ms: number): Promise<unknown>;
}

/** A thread as a fresh process reads it. */
export interface ThreadFacts {
  plan: ThreadPlan;
  thread: Thread | undefined;
  runs: Run[];
  said: string[];
  next: string[];
  questions: unknown[];
  /** Checkpoints of its history that could not be read. */
  unreadable: string[];
  sent: Sent[];
  /** True when somebody has asked for its deletion and was not refused. */
  isRemoved: boolean;
  hasForks: boolean;
}

/** Runs `work` as a fresh process until it is done; undefined when that takes too long. */
export async function inFresh<T>({ fresh, run }: Ending, work: () => Promise<T>): Promise<T | undefined> {
  let result: { value: T } | { error: unknown } | undefined;
  fresh.process.run(() =>
    work().then(
      (value) => {
        result = { value };
      },
      (error) => {
        result = { error };
      },
    ),
  );
  await run(() => result !== undefined, 120_000);
  if (result && "error" in result) throw result.error;
  return result?.value;
}

export const runOf = ({ runs }: ThreadFacts, { run, operation }: Sent): Run | undefined =>
  runs.find(({ id, metadata }) => (run !== undefined ? id === run : metadata.op === operation.id));

/** True when the first was admitted, or over, before the second began. */
export const isBefore = (first: { admitted?: number; ended?: number }, second: { began: number }): boolean =>
  (first.admitted ?? first.ended ?? Number.POSITIVE_INFINITY) < second.began;

/** Messages that end the runs before them, of others than this one, which may have come after it. */
export const enders = ({ sent }: ThreadFacts, of: Sent, strategies: Message["strategy"][]): Sent[] =>
  sent.filter(
    (other) =>
      other !== of &&
      !other.operation.stateless &&
      strategies.includes(other.operation.strategy) &&
      other.result !== "refused" &&
      other.result !== "not-applied" &&
      !isBefore(other, of),
  );
