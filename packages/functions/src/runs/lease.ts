/** A run writes only while it holds its thread. */
import { AsyncLocalStorage } from "node:async_hooks";
import { TenureError } from "@tenure/core/errors";
import type { Lease } from "@tenure/core/thread";

interface Held {
  lease: Lease;
}

const held = new AsyncLocalStorage<Held>();

/** Runs what writes to the thread of a lease, which the caller renews in place. */
export const underLease = <T>(holding: Held, work: () => T): T => held.run(holding, work);

/**
 * To be called before each write of a checkpoint: within a run whose lease has passed, by this process' own clock, it
 * throws. Such a process was frozen or cut off, and somebody else has the thread.
 */
export function refuseWithoutLease(now: number): void {
  const holding = held.getStore();
  if (holding && holding.lease.expiresAt <= now)
    throw new TenureError({ tag: "thread-busy", threadId: holding.lease.threadId });
}
