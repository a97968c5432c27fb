import { type Clock, elapsed } from "../clock.ts";
import type { LeasePolicy } from "./policy.ts";
import type { Holding } from "./queue.ts";

/** Clocks of different machines are taken to differ by less than this, in milliseconds, where nothing but time is lost if they do not. */
const SKEW_MS = 60_000;
const MAX_WATCHED = 10_000;

/**
 * Judges leases of other holders. A lease has lapsed when this process has seen no change of it for as long as a lease lasts,
 * by its own clock that never goes back: no two clocks are compared. Its holder, which stopped writing when that time had
 * passed since it last renewed the lease, has done so by then.
 */
export class Watch {
  private readonly clock: Clock;
  private readonly policy: LeasePolicy;
  /** By thread, in the order in which they were seen first. */
  private readonly seen = new Map<string, { lease: string; since: number }>();

  constructor(clock: Clock, policy: LeasePolicy) {
    this.clock = clock;
    this.policy = policy;
  }

  /** For how many more milliseconds the lease must be seen unchanged; 0 when it has lapsed. */
  left(threadId: string, { id, expiresAt }: Holding): number {
    const now = elapsed(this.clock);
    const lease = `${id} ${expiresAt}`;
    const seen = this.seen.get(threadId);
    if (seen?.lease === lease) return Math.max(0, seen.since + this.policy.leaseMs - now);
    this.seen.delete(threadId);
    this.seen.set(threadId, { lease, since: now });
    for (const [oldest] of this.seen) {
      if (this.seen.size <= MAX_WATCHED) break;
      this.seen.delete(oldest);
    }
    return this.policy.leaseMs;
  }

  /** False when the lease's holder seems to be at work: then it is not worth waiting for the lease to lapse. A guess, by two clocks. */
  isSuspect({ expiresAt }: Holding): boolean {
    const now = this.clock.now();
    return expiresAt <= now || expiresAt > now + this.policy.leaseMs + SKEW_MS;
  }
}
