import type { CancelAction, FinalStatus, Lease, Run, SettledStatus, Thread } from "./policy.ts";

export type NewThread = Pick<Thread, "id" | "owner" | "metadata"> & Partial<Pick<Thread, "temporary">>;
export type NewRun = Omit<Run, "status" | "updatedAt" | "attempt" | "yields" | "cancel" | "error">;

/** What a run adds to its thread's record when it is admitted. */
export interface ThreadChange {
  metadata?: Record<string, unknown>;
  config?: Record<string, unknown>;
}

export interface Admission {
  /** Only if nobody is in the line. */
  alone: boolean;
  /** Who takes the lease along with it, if its turn is now. */
  holder?: string | undefined;
  /** What it changes in its thread, as that is then. */
  change?: (thread: Thread) => ThreadChange;
}

export interface Begun {
  lease: Lease;
  run: Run;
}

/**
 * Threads, their runs, and the lease that makes a run the only writer of its thread. A thread of another owner is the
 * same as none. Writes are conditional, so that of concurrent callers one is first and the others know. Every method
 * throws `store-unavailable` when DynamoDB does not answer in time.
 */
export interface ThreadStore {
  /** Makes a thread; false when the id is taken, by whomever. Unknown outcome: repeat it. */
  create(thread: NewThread): Promise<Thread | false>;

  get(id: string, owner: string): Promise<Thread | undefined>;

  /** All threads of an owner, the newest first. A thread of this very moment may not be among them yet. */
  list(owner: string): AsyncGenerator<Thread>;

  /** Adds to the thread's metadata and replaces its config. Idempotent. */
  change(id: string, owner: string, change: ThreadChange): Promise<Thread | undefined>;

  /** Deletes the thread's record and those of its runs; false when there was none. Repeat it after an unknown outcome. */
  remove(id: string, owner: string): Promise<boolean>;

  /**
   * Puts a run in its thread's line. With `alone`, only if nobody is in it: else "busy", and nothing is kept of the run.
   * With a holder, and nobody in the line, it is begun in the same write. Idempotent for the same run: "admitted" again.
   * Unknown outcome: repeat it.
   */
  admit(run: NewRun, options: Admission): Promise<"admitted" | "busy" | "not-found" | Begun>;

  /**
   * Takes the lease for the run whose turn it is, and marks that one running. Of concurrent callers one gets it; the
   * others, and those that find nothing to do, get when it is worth asking again, or nothing. A lease that has lapsed is
   * taken over. Unknown outcome: the lease lapses by itself.
   */
  begin(threadId: string, holder: string): Promise<Begun | { retryAt: number } | undefined>;

  /** Extends a lease that is still held, and says whether its run is to be cancelled; undefined when it is lost. */
  renew(lease: Lease): Promise<{ lease: Lease; cancel?: CancelAction } | undefined>;

  /** Gives the lease back with its run not ended, for somebody to go on with it. Idempotent. */
  release(lease: Lease): Promise<void>;

  /**
   * Ends the run, takes it out of its thread's line and gives the lease back: "next" when others are in the line, "done"
   * when nobody is, "lost" when the lease was no longer held, and somebody else ends the run. With `forget` nothing is
   * kept of the run. Idempotent.
   */
  settle(
    lease: Lease,
    outcome: { status: FinalStatus; thread: SettledStatus; error?: Run["error"]; forget?: boolean },
  ): Promise<"next" | "done" | "lost">;

  run(threadId: string, runId: string): Promise<Run | undefined>;

  /** The runs of a thread, the newest first. */
  runs(threadId: string): AsyncGenerator<Run>;

  /**
   * Asks for a run to be ended. One that still waits ends at once: then "ended"; one that is under way is ended by its
   * holder: "asked"; one that has ended stays as it is: "ended". Idempotent.
   */
  cancel(threadId: string, runId: string, action: CancelAction): Promise<"ended" | "asked" | "not-found">;

  /** Deletes the record of a run that has ended. Idempotent. */
  removeRun(threadId: string, runId: string): Promise<void>;

  /**
   * Ends a run that is in no line, with an error: its admission was cut short, and nobody asked again. To be called for one
   * that is older than any request may take. One that is in a line stays as it is. Idempotent.
   */
  endStray(threadId: string, runId: string): Promise<void>;

  /** All runs that have not ended, of all threads, by when they may begin: for whoever sees to it that they go on. */
  unfinished(): AsyncGenerator<{ threadId: string; runId: string; startAt: number }>;
}
