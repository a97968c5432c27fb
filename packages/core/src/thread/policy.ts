/** How a run holds its thread. Durations in milliseconds. */
export interface LeasePolicy {
  /** A lease that is not renewed for this long lapses, and another run may take the thread. */
  leaseMs: number;
  /** A run renews its lease this often. */
  heartbeatMs: number;
}

export const defaultLeasePolicy: LeasePolicy = { leaseMs: 30_000, heartbeatMs: 10_000 };

/** As the LangGraph server names them. `busy` while a lease is held. */
export type ThreadStatus = "idle" | "busy" | "interrupted" | "error";

/** What a run leaves behind when it ends. */
export type SettledStatus = Exclude<ThreadStatus, "busy">;

/** Instants are epoch milliseconds. */
export interface Thread {
  id: string;
  owner: string;
  createdAt: number;
  updatedAt: number;
  metadata: Record<string, unknown>;
  status: ThreadStatus;
}

/** The right to write to a thread. `fence` rises with every lease, so a later holder is told from an earlier one. */
export interface Lease {
  threadId: string;
  holder: string;
  fence: number;
  expiresAt: number;
}

/** A record says busy until its run ends it; when the lease has lapsed, the run has crashed. */
export function statusAt(stored: ThreadStatus, leaseExpiresAt: number | undefined, now: number): ThreadStatus {
  if (stored !== "busy") return stored;
  return leaseExpiresAt !== undefined && leaseExpiresAt > now ? "busy" : "error";
}
