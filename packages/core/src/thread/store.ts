import type { Lease, SettledStatus, Thread } from "./policy.ts";

/**
 * Threads and their run leases. A thread of another owner is the same as none. Every method is one conditional
 * request (or a read) and throws `store-unavailable` when DynamoDB does not answer in time.
 */
export interface ThreadStore {
  /** Makes a thread; false when the id is taken, by whomever. Unknown outcome: read it, then decide. */
  create(thread: { id: string; owner: string; metadata: Record<string, unknown> }): Promise<Thread | false>;

  get(id: string, owner: string): Promise<Thread | undefined>;

  /**
   * Takes the lease of a thread that nobody holds, marks it busy, raises the fence and adds `metadata` to the
   * thread's. Of concurrent callers one gets it. Unknown outcome: the lease may be held by `holder` and lapses on its own.
   */
  acquireLease(
    id: string,
    owner: string,
    holder: string,
    metadata?: Record<string, unknown>,
  ): Promise<Lease | "busy" | "not-found">;

  /** Extends a lease that is still held; undefined when another holder has taken it: stop writing at once. */
  renewLease(lease: Lease): Promise<Lease | undefined>;

  /** Ends a lease and says how its run ended; false when it was no longer held. Idempotent. */
  releaseLease(lease: Lease, status: SettledStatus): Promise<boolean>;
}
