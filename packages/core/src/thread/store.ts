import type { Incarnation } from "../incarnation.ts";
import type {
  CancelAction,
  FinalStatus,
  Lease,
  LifetimeStrategy,
  Projection,
  Run,
  SettledStatus,
  Thread,
} from "./policy.ts";

export type NewThread = Pick<Thread, "id" | "owner" | "metadata"> &
  Partial<Pick<Thread, "temporary" | "ttlMs" | "strategy">>;
export type NewRun = Omit<Run, "status" | "updatedAt" | "attempt" | "yields" | "cancel" | "error" | "lastEvent">;

/** A change to a thread's record, by itself or when a run is admitted: metadata to add, and a config in place of its own. */
export interface ThreadChange {
  metadata?: Record<string, unknown> | undefined;
  config?: Record<string, unknown> | undefined;
  /** The lifetime of the thread from now on, in milliseconds. */
  ttlMs?: number | undefined;
  /** The strategy that comes with `ttlMs`; "delete" when left out. */
  strategy?: LifetimeStrategy | undefined;
}

export interface Admission {
  /** Only if nobody is in the queue. */
  alone: boolean;
  /** Ends the runs that are in the queue: those that wait in the same write, the others are told. */
  ends?: CancelAction | undefined;
  /** The holder that takes the lease in the same write, if the run's turn is now. */
  holder?: string | undefined;
  /** Returns what the run changes in its thread, given the thread as it is then. */
  change?: ((thread: Thread) => ThreadChange) | undefined;
  /** Hears of runs before it that are under way and are to end: on record they have been told. */
  onAsked?: ((runIds: readonly string[]) => void) | undefined;
  /** Hears, where the thread is busy, that nobody seems to be at work in it. */
  onStuck?: (() => void) | undefined;
}

export interface NewAdmission extends Pick<Admission, "holder"> {
  /** True when the thread goes with the run, and is in no list. */
  temporary: boolean;
  metadata: Record<string, unknown>;
  config: Record<string, unknown>;
  /** Milliseconds; kept for good when left out. */
  ttlMs?: number | undefined;
  strategy?: LifetimeStrategy | undefined;
}

/** A finding of the sweep: a thread that is over, one with something below its floor, or what may be left of one that is gone. */
export type Overdue = { id: string } & ({ is: "over"; owner: string } | { is: "thin" } | { is: "gone"; at: number });

/** When it is worth asking again, in epoch milliseconds. */
export interface Later {
  retryAt: number;
  /** The holder seems to be dead: waiting is worth while. */
  isSuspect?: boolean | undefined;
}

/** A run that has not ended. Instants are epoch milliseconds, by the clock of who admitted it. */
export interface Unfinished {
  threadId: string;
  runId: string;
  startAt: number;
  /** True for a run that was not to begin at once. */
  isDelayed: boolean;
  /** Undefined where its record is damaged. */
  owner?: string | undefined;
}

/** A run whose record goes with its thread. `updatedAt` is epoch milliseconds. */
export interface ErasedRun {
  id: string;
  updatedAt: number;
}

export interface Begun {
  lease: Lease;
  run: Run;
}

/**
 * Threads, their runs, and the lease that makes a run the only writer of its thread. A thread of another owner is the
 * same as none, and so is one whose deadline has passed. Writes are conditional, so that of concurrent callers one is first and the others know. Every method
 * throws `store-unavailable` when DynamoDB does not answer in time. A record that cannot be read is shown with its
 * `damage`, and can be removed; `change` and `admit` throw `record-damaged` for it.
 */
export interface ThreadStore {
  /** Makes a thread; false when the id is taken, by whomever. Unknown outcome: repeat it. */
  create(thread: NewThread): Promise<Thread | false>;

  get(id: string, owner: string): Promise<Thread | undefined>;

  /**
   * Lists all threads of an owner by their creation, the newest first unless asked otherwise, and those of one moment by their
   * ids. A thread of this very moment may not be among them yet. `firstPage`: how many the first request asks for, for a caller
   * who may not want more; a megabyte when left out, as of each further one.
   */
  list(
    owner: string,
    options?: { order?: "asc" | "desc" | undefined; firstPage?: number | undefined },
  ): AsyncGenerator<Thread>;

  /** Adds to the thread's metadata, and replaces its config and its lifetime. Idempotent, but for the deadline. */
  change(id: string, owner: string, change: ThreadChange): Promise<Thread | undefined>;

  /**
   * Takes the lease of a thread for a change of its state that no run makes: no run begins meanwhile. "busy" when the thread
   * has a run or somebody else has the lease. Unknown outcome: the lease lapses by itself.
   */
  hold(id: string, owner: string, holder: string): Promise<Lease | "busy" | undefined>;

  /**
   * Gives a lease of `hold` back, and sets the status and the projection of the state as it is now; the status stays as it was
   * when they are left out. Idempotent.
   */
  free(lease: Lease, state?: { status: SettledStatus; projection?: Projection | undefined }): Promise<void>;

  /**
   * Begins the deletion of a thread: once this has returned it is absent for everyone, no run is admitted to it and none
   * begins; its id stays taken until `erase`. "held" when somebody has its lease and may still write. Undefined when the
   * owner has no such thread. Idempotent.
   */
  close(id: string, owner: string): Promise<"held" | "free" | undefined>;

  /** True while the deletion of a thread has begun and not ended: nothing of another incarnation is there meanwhile. */
  isClosed(id: string, owner: string): Promise<boolean>;

  /**
   * The lease of a closed thread, whose holder may still write; undefined when nobody has it. Without a run, it is one of
   * `hold`. `expiresAt` is epoch milliseconds.
   */
  holderOf(
    id: string,
  ): Promise<{ runId?: string | undefined; holder: string; fence: number; expiresAt: number } | undefined>;

  /**
   * Deletes the records of a closed thread that nobody holds: those of its runs, and its own last. `beforeRuns` is called
   * with the runs whose records are about to go. Leaves alone what is not closed, or is another owner's by now. Idempotent;
   * when it throws, call it again.
   */
  erase(id: string, owner: string, beforeRuns?: (runs: ErasedRun[]) => Promise<void>): Promise<void>;

  /** Lists all closed threads, of all owners. One of this very moment may not be among them yet. */
  closed(): AsyncGenerator<{ id: string; owner: string; closedAt: number }>;

  /**
   * Begins the deletion of a thread whose deadline has passed, as `close` does, and resolves to its owner; undefined when there is none
   * that is over. Idempotent: the first of several gets the owner.
   */
  expire(id: string): Promise<string | undefined>;

  /**
   * Lists what is to be swept: threads whose deadline has passed, closed by this, to be deleted; threads to `thin`; and deleted ones for which
   * `eraseThread` of the saver is due once more, in case something has landed after it. A thread that was written to meanwhile is none.
   */
  overdue(): AsyncGenerator<Overdue>;

  /** True when there is no record of a thread, be it closed. */
  isAbsent(id: string): Promise<boolean>;

  /** Ends the look for what landed after a thread's deletion. Idempotent. */
  forgetAfter(gone: { id: string; at: number }): Promise<void>;

  /**
   * Makes all but the latest state of a thread absent: at once, or as soon as no run is in its queue. False when the owner has no such thread.
   * Idempotent.
   */
  prune(id: string, owner: string): Promise<boolean>;

  /**
   * The incarnation of a thread with a floor below which nobody has deleted yet, once no lease under the floor can be in use; "later" while
   * one may be, and undefined where there is nothing to do.
   */
  thin(id: string): Promise<Incarnation | "later" | undefined>;

  /**
   * Stores which checkpoint is the latest below a floor, before others are deleted, and resolves to the one that is stored; undefined when the
   * floor has risen since, or the thread is gone. Idempotent: of several the first counts.
   */
  noteRoot(id: string, incarnation: Incarnation, root: string): Promise<string | undefined>;

  /** Stores that nothing is left to delete below a floor. Idempotent. */
  noteSwept(id: string, incarnation: Incarnation): Promise<void>;

  /** Takes a thread that is not there, or is another's, from the ids of an owner. Idempotent. */
  unlist(id: string, owner: string): Promise<void>;

  /** The ids of all threads of an owner, those made for one run too. Each that `create` has made is among them. */
  idsOf(owner: string): AsyncGenerator<string>;

  /**
   * Puts a run in its thread's queue, in one write with all that comes along with it. With `alone`, only if nobody is in it:
   * else "busy", and nothing is kept of the run. With a holder, and nobody in the queue, it is begun in that write. Idempotent
   * for the same run: "admitted" again, and nobody else is ended by it. Unknown outcome: repeat it.
   */
  admit(run: NewRun, options: Admission): Promise<"admitted" | "busy" | "not-found" | Begun>;

  /**
   * Makes a thread for a run and puts the run in its queue. With a holder, a run that is due is begun in the same write.
   * Unknown outcome: the run may be admitted; a record without a thread ends by `endStray`.
   */
  admitNew(run: NewRun, options: NewAdmission): Promise<"admitted" | Begun>;

  /**
   * Takes the lease for the run whose turn it is, and marks that one running. Of concurrent callers one gets it; the
   * others, and those that find nothing to do, get when it is worth asking again, or nothing. A lease is taken over when this
   * process has seen it unchanged for as long as a lease lasts. Unknown outcome: the lease lapses by itself.
   */
  begin(threadId: string, holder: string): Promise<Begun | Later | undefined>;

  /**
   * Extends a lease that is still held and has not lapsed, and says whether its run is to be cancelled; undefined when it is
   * lost. Unknown outcome: it lasts as long as before.
   */
  renew(lease: Lease): Promise<{ lease: Lease; cancel?: CancelAction | undefined } | undefined>;

  /** Gives the lease back with its run not ended, for somebody to go on with it. Idempotent. */
  release(lease: Lease): Promise<void>;

  /**
   * Marks the lease's run as rolled back: from when this returns, its checkpoints are absent, also those that land later.
   * False when the lease was no longer held. Idempotent.
   */
  undo(lease: Lease): Promise<boolean>;

  /**
   * Ends the run, takes it out of its thread's queue and gives the lease back, in one write: "next" when others are in the queue,
   * "done" when nobody is, "lost" when the lease was no longer held, and somebody else ends the run. The run's own record
   * follows. With `forget` nothing is kept of the run; with `close` the thread is closed once its queue is empty.
   */
  settle(
    lease: Lease,
    outcome: {
      status: FinalStatus;
      thread: SettledStatus;
      projection?: Projection | undefined;
      error?: Run["error"] | undefined;
      /** Number of its last event; -1 for none. */
      lastEvent?: number | undefined;
      forget?: boolean | undefined;
      close?: boolean | undefined;
    },
  ): Promise<"next" | "done" | "lost">;

  /** A run, as its thread's record has it. */
  run(threadId: string, runId: string): Promise<Run | undefined>;

  /** The runs of a thread, the newest first. */
  runs(threadId: string, owner: string): AsyncGenerator<Run>;

  /**
   * Asks for a run to be ended. One that still waits ends at once: then "ended"; one that is under way is ended by its
   * holder: "asked"; one that has ended stays as it is: "ended". Idempotent.
   */
  cancel(threadId: string, runId: string, action: CancelAction): Promise<"ended" | "asked" | "not-found">;

  /** Deletes the record of a run that has ended. Idempotent. */
  removeRun(threadId: string, runId: string): Promise<void>;

  /**
   * Ends a run that is in no queue, with an error: its admission was cut short, and nobody asked again. To be called for one
   * that is older than any request may take. One that is in a queue stays as it is. Idempotent.
   */
  endStray(threadId: string, runId: string): Promise<void>;

  /**
   * Runs of all threads that have not ended, for whoever sees to it that they go on: all that were to begin at once, and the
   * delayed ones up to those that may begin by `dueBy`, in epoch milliseconds; all of them when left out.
   */
  unfinished(dueBy?: number): AsyncGenerator<Unfinished>;
}
