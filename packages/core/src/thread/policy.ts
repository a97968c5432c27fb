import type { Damage } from "../damage.ts";
import type { Incarnation } from "../incarnation.ts";

/** How a run holds its thread. Durations in milliseconds. */
export interface LeasePolicy {
  /** A lease that is not renewed for this long lapses, and another run may take the thread. */
  leaseMs: number;
  /** A run renews its lease this often. */
  heartbeatMs: number;
}

export const defaultLeasePolicy: LeasePolicy = { leaseMs: 30_000, heartbeatMs: 10_000 };

/** As the LangGraph server names them. `busy` while a run is under way or waits for its turn. */
export type ThreadStatus = "idle" | "busy" | "interrupted" | "error";

/** The status that a run gives its thread when it ends. */
export type SettledStatus = Exclude<ThreadStatus, "busy">;

/** As the LangGraph server names them: at its deadline the thread goes, or only its older checkpoints do. */
export type LifetimeStrategy = "delete" | "keep_latest";

/** Milliseconds, for good when left out; the strategy is "delete" when left out. */
export interface Lifetime {
  ttlMs?: number | undefined;
  strategy?: LifetimeStrategy | undefined;
}

/** Instants are epoch milliseconds. */
export interface Thread {
  id: string;
  owner: string;
  createdAt: number;
  updatedAt: number;
  metadata: Record<string, unknown>;
  /** The config of its last run, for readers of its state. */
  config: Record<string, unknown>;
  status: ThreadStatus;
  /** Runs that are under way or wait for their turn, oldest first. */
  inflight: string[];
  /** Made for one run, to be deleted with it, and in no list. */
  temporary: boolean;
  /** The incarnation that its checkpoints belong to. */
  incarnation: Incarnation;
  /** The time, in milliseconds, after the last write of its record until it is over; kept for good when left out. */
  ttlMs?: number | undefined;
  /** When it is over, unless something is written to it or a run is in its queue. */
  deadline?: number | undefined;
  /** "delete" when left out. */
  strategy?: LifetimeStrategy | undefined;
  /** The small ones of its state's values, as they were when no run was in its queue; nothing when they are not known. */
  projection?: Projection | undefined;
  /** Some of its record cannot be read; what can be stands here, and `status` is "error". */
  damage?: Damage | undefined;
}

export interface Projection {
  /** By name, as JSON has them. */
  values: Record<string, unknown>;
  /** True when there are values that it does not hold. */
  isPart: boolean;
}

/** As the LangGraph server names them. */
export type RunStatus = "pending" | "running" | "success" | "error" | "timeout" | "interrupted";
export type FinalStatus = Exclude<RunStatus, "pending" | "running">;

export const isFinal = (status: RunStatus): status is FinalStatus => status !== "pending" && status !== "running";

export type CancelAction = "interrupt" | "rollback";

/** Instants are epoch milliseconds. */
export interface Run {
  id: string;
  threadId: string;
  owner: string;
  assistantId: string;
  graphId: string;
  status: RunStatus;
  /** The request, as JSON has it. */
  request: Record<string, unknown>;
  metadata: Record<string, unknown>;
  multitask: string;
  createdAt: number;
  updatedAt: number;
  /** Not to begin before. */
  startAt: number;
  /** Number of times that it was begun. */
  attempt: number;
  /** The number of attempts that were given back by a process that had to stop, with the run not ended: the others crashed. */
  yields: number;
  /** Somebody wants it ended. */
  cancel?: CancelAction | undefined;
  /** Number of its last event, once it has ended; -1 for none. Undefined when that is not known. */
  lastEvent?: number | undefined;
  error?: { error: string; message: string } | undefined;
  /** Some of its record cannot be read. Such a run is not begun. */
  damage?: Damage | undefined;
}

/**
 * The right to write to a thread. No two leases have the same `id`, and `fence` rises with every lease, so that a later holder
 * is told from an earlier one.
 */
export interface Lease {
  id: string;
  threadId: string;
  /** "" for a change that no run makes. */
  runId: string;
  holder: string;
  fence: number;
  /** By the holder's own clock, in epoch milliseconds: a hint to others, and to the holder an end. */
  expiresAt: number;
  /** The moment from which it lasts, in milliseconds of the holder's clock that never goes back (`elapsed`). */
  since: number;
  /** The thread's incarnation as it was then. */
  incarnation: Incarnation;
}

/** The time that a run's record is kept once it has ended, in milliseconds. */
export const RUN_TTL_MS = 30 * 24 * 60 * 60 * 1000;
