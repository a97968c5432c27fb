/** A run writes only while it holds its thread and was not stopped. */
import { type Clock, elapsed } from "@tenure/core/clock";
import type { WriteGuard } from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import type { Lease, LeasePolicy } from "@tenure/core/thread";

/**
 * The right of one run, in this process, to write. It lasts as long as the lease by this process' own clocks, of which one is
 * never set and the other goes on while a machine sleeps; it ends by `stop`, also for what the graph's nodes go on to do. Once
 * it has lapsed it stays so: somebody else may have the thread. After `drained` no write of the run that this process began
 * can still land.
 */
export class Hold {
  /** Renewed in place. */
  lease: Lease;
  private readonly clock: Clock;
  private readonly leaseMs: number;
  private isStopped = false;
  private hasLapsed = false;
  private readonly writes = new Set<Promise<unknown>>();

  constructor(lease: Lease, clock: Clock, { leaseMs }: Pick<LeasePolicy, "leaseMs">) {
    this.lease = lease;
    this.clock = clock;
    this.leaseMs = leaseMs;
  }

  /** The milliseconds that are left of the lease. */
  get left(): number {
    const { since, expiresAt } = this.lease;
    return Math.max(0, Math.min(since + this.leaseMs - elapsed(this.clock), expiresAt - this.clock.now()));
  }

  /** True once the lease has passed, for good. */
  get isLate(): boolean {
    this.hasLapsed ||= this.left === 0;
    return this.hasLapsed;
  }

  /** Takes the lease as it was renewed, unless it had lapsed before. */
  renew(lease: Lease): void {
    if (!this.isLate) this.lease = lease;
  }

  /** Carries out a write, or throws `thread-busy`. */
  readonly guard: WriteGuard = {
    check: () => {
      if (this.isStopped || this.isLate) throw new TenureError({ tag: "thread-busy", threadId: this.lease.threadId });
    },
    write: async (write) => {
      this.guard.check();
      const writing = write();
      this.writes.add(writing);
      try {
        return await writing;
      } finally {
        this.writes.delete(writing);
      }
    },
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
