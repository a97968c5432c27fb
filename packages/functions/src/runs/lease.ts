/** A run writes only while it holds its thread and was not stopped. */
import type { WriteGuard } from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import type { Lease } from "@tenure/core/thread";

/**
 * The right of one run, in this process, to write. It ends with the lease by this process' own clock, since a process that
 * was frozen or cut off has lost its thread to somebody else; and it ends by `stop`, also for what the graph's nodes go on
 * to do. After `drained` no write of the run that this process began can still land.
 */
export class Hold {
  /** Renewed in place. */
  lease: Lease;
  private readonly now: () => number;
  private isStopped = false;
  private readonly writes = new Set<Promise<unknown>>();

  constructor(lease: Lease, now: () => number) {
    this.lease = lease;
    this.now = now;
  }

  /** True once the lease has passed. */
  get isLate(): boolean {
    return this.lease.expiresAt <= this.now();
  }

  /** Carries out a write, or throws `thread-busy`. */
  readonly guard: WriteGuard = async (write) => {
    if (this.isStopped || this.isLate) throw new TenureError({ tag: "thread-busy", threadId: this.lease.threadId });
    const writing = write();
    this.writes.add(writing);
    try {
      return await writing;
    } finally {
      this.writes.delete(writing);
    }
  };

  /** Refuses every further write. */
  stop(): void {
    this.isStopped = true;
  }

  /**
   * Stops, and resolves when every write that was begun has landed or failed. Where nothing has stopped the run before, the
   * writes that follow one upon the other are carried out first: LangGraph has them in a chain that outlives its stream.
   */
  async drained(): Promise<void> {
    do {
      await Promise.allSettled(this.writes);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.writes.size > 0);
    this.stop();
  }
}
