/**
 * A thread's queue and its lease: who waits, who is under way, and what has ended. All of it is in the thread's record, and each
 * function here gives the record's next state, so that each step of docs/run-protocol.md is one conditional write.
 *
 * A run in the queue is `waiting` (attempt 0), `under way` (the lease is its own), or `left behind` (it was begun, and its
 * process has given it back or died). Only a waiting run can end without a process: the others have done something.
 */
import type { CancelAction, FinalStatus, Run } from "./policy.ts";

/** A run in its thread's queue. */
export interface QueuedRun {
  runId: string;
  /**
   * Not to begin before, in epoch milliseconds by the clock of who admitted it; 0 for a run that was to begin at once, which
   * waits for no clock.
   */
  startAt: number;
  /** Number of times that it was begun. */
  attempt: number;
  /** Number of attempts that were given back by a process that had to stop. */
  yields: number;
  /** Somebody wants it ended. */
  cancel?: CancelAction | undefined;
}

/** The end of a run, which its own record is to have too. */
export interface Ending {
  runId: string;
  /** Nothing is kept of a run that was rolled back. */
  status: FinalStatus | "forgotten";
  /** Epoch milliseconds. */
  at: number;
  /** Fence of the lease under which it ended; 0 for a run that never began. */
  fence: number;
  attempt: number;
  yields: number;
  error?: Run["error"] | undefined;
  /** Number of its last event; -1 for none. */
  lastEvent?: number | undefined;
}

/** The right to write to a thread, as its record has it. */
export interface Holding {
  /** No two leases have the same. */
  id: string;
  holder: string;
  /** The lease's run; left out for a change that no run makes. */
  runId?: string | undefined;
  /** By the clock of whoever holds it, in epoch milliseconds. */
  expiresAt: number;
}

export interface Turns {
  queue: readonly QueuedRun[];
  ended: readonly Ending[];
  /** Runs of which nothing is kept, the latest last: a request that is repeated admits none of them again. */
  gone: readonly string[];
  /** Rises with every lease. */
  fence: number;
  lease?: Holding | undefined;
  /** The run of the last lease, if that was not settled. */
  leasedRun?: string | undefined;
}

const RANK = { interrupt: 1, rollback: 2 } as const;

/** The stronger of two wishes. A run that is to leave no trace does not end with some. */
const stronger = (one: CancelAction | undefined, other: CancelAction): CancelAction =>
  one !== undefined && RANK[one] >= RANK[other] ? one : other;

/** The number of runs that are remembered as gone. A request is repeated within seconds. */
const MAX_GONE = 20;

const withGone = (gone: readonly string[], endings: readonly Ending[]): readonly string[] => {
  const more = endings.filter(({ status }) => status === "forgotten").map(({ runId }) => runId);
  return more.length > 0 ? [...gone, ...more].slice(-MAX_GONE) : gone;
};

const endingOf = ({ runId, attempt, yields }: QueuedRun, rest: Pick<Ending, "status" | "at" | "fence">): Ending => ({
  ...{ runId, attempt, yields },
  ...rest,
});

/** Asks for runs to be ended: those that wait end at once, the others are told. */
export function cancelled(
  turns: Turns,
  isMeant: (entry: QueuedRun) => boolean,
  action: CancelAction,
  at: number,
): { turns: Turns; ended: Ending[]; asked: string[] } {
  const status = action === "rollback" ? "forgotten" : "interrupted";
  const ended: Ending[] = [];
  const asked: string[] = [];
  const queue: QueuedRun[] = [];
  for (const entry of turns.queue)
    if (!isMeant(entry)) queue.push(entry);
    else if (entry.attempt === 0) ended.push(endingOf(entry, { status, at, fence: 0 }));
    else {
      queue.push({ ...entry, cancel: stronger(entry.cancel, action) });
      asked.push(entry.runId);
    }
  const gone = withGone(turns.gone, ended);
  return { turns: { ...turns, queue, ended: [...turns.ended, ...ended], gone }, ended, asked };
}

/** Puts a run at the end of the queue. */
export const entered = (
  turns: Turns,
  { id, createdAt, startAt }: Pick<Run, "id" | "createdAt" | "startAt">,
): Turns => ({
  ...turns,
  queue: [...turns.queue, { runId: id, startAt: startAt > createdAt ? startAt : 0, attempt: 0, yields: 0 }],
});

/** The entry whose turn it is: the one that was left behind, then the first of those that are due, then the one that will be. */
export function nextRun({ queue, leasedRun }: Turns, now: number): QueuedRun | undefined {
  const left = queue.find(({ runId }) => runId === leasedRun);
  const due = queue.find(({ startAt }) => startAt <= now);
  return left ?? due ?? queue.toSorted((a, b) => a.startAt - b.startAt)[0];
}

/** Begins a run of the queue. A run that somebody wants ended is begun too, by who then ends it. */
export function begun(turns: Turns, runId: string, lease: Omit<Holding, "runId">): Turns {
  return {
    ...turns,
    queue: turns.queue.map((entry) => (entry.runId === runId ? { ...entry, attempt: entry.attempt + 1 } : entry)),
    fence: turns.fence + 1,
    lease: { ...lease, runId },
    leasedRun: runId,
  };
}

/** Gives the lease back with its run not ended. */
export function released({ lease, ...turns }: Turns): Turns {
  const given = (entry: QueuedRun) => (entry.runId === lease?.runId ? { ...entry, yields: entry.yields + 1 } : entry);
  return { ...turns, queue: turns.queue.map(given) };
}

/** Ends the lease's run and gives the lease back. */
export function settled(
  { lease, leasedRun: _, ...turns }: Turns,
  outcome: Pick<Ending, "status" | "at" | "error" | "lastEvent">,
): Turns {
  const entry = turns.queue.find(({ runId }) => runId === lease?.runId);
  if (!entry) return turns;
  const ending = { ...endingOf(entry, { status: outcome.status, at: outcome.at, fence: turns.fence }), ...outcome };
  return {
    ...turns,
    queue: turns.queue.filter((one) => one !== entry),
    ended: [...turns.ended, ending],
    gone: withGone(turns.gone, [ending]),
  };
}

/** Takes a run out of all of it, but for its name: nothing is kept of it. */
export const forgotten = (turns: Turns, runId: string): Turns => ({
  ...turns,
  queue: turns.queue.filter((entry) => entry.runId !== runId),
  ended: turns.ended.filter((ending) => ending.runId !== runId),
  gone: [...turns.gone.filter((one) => one !== runId), runId].slice(-MAX_GONE),
});
