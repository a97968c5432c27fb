/** The record that a worker makes of each of its calls, and that the checker reads. */

export interface Seen {
  /** The session's id. */
  id: string;
  data: string;
  revision: number;
  createdAt: number;
  authenticatedAt: number;
  lastSeenAt: number;
  idleExpiresAt: number;
  absoluteExpiresAt: number;
  readAt: number;
}

/** The answer to the call; undefined when nobody knows whether it was carried out. */
type Answer<T> = T | undefined;

type Call =
  | { verb: "create"; id: string; replaces?: string; answer: Answer<{ session: Seen }> }
  | { verb: "read"; id: string; answer: Answer<{ session?: Seen }> }
  | { verb: "update"; id: string; data: string; answer: Answer<{ session?: Seen; stale?: true }> }
  | { verb: "rotate"; id: string; to: string; authenticated: boolean; answer: Answer<{ session?: Seen }> }
  | { verb: "revoke"; id: string; answer: Answer<object> }
  | { verb: "revokeOthers"; id: string; answer: Answer<{ ended?: number }> }
  | { verb: "revokeAll"; answer: Answer<{ ended: number }> }
  | { verb: "list"; answer: Answer<{ sessions: Seen[] }> };

export type Operation = Call & {
  user: number;
  /** By the machine's monotonic clock, which its processes share; milliseconds with fractions. */
  startedAt: number;
  endedAt: number;
  /** By the machine's wall clock, which its redis-server shares; epoch milliseconds. */
  startedOn: number;
  endedOn: number;
};
