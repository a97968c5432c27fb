/** How long sessions live and how many a user may have. All durations in milliseconds. */
export interface SessionPolicy {
  /** A session that is not used for this long ends. */
  idleMs: number;
  /** A session ends this long after it was created, used or not. */
  absoluteMs: number;
  /** A read extends the idle deadline at most once in this time, so that most reads write nothing. */
  touchEveryMs: number;
  /** The most sessions a user may have at once; one more ends the oldest. */
  maxPerUser: number;
}

const MINUTE = 60_000;

export const defaultSessionPolicy: SessionPolicy = {
  idleMs: 30 * MINUTE,
  absoluteMs: 12 * 60 * MINUTE,
  touchEveryMs: MINUTE,
  maxPerUser: 20,
};

/** Who a session belongs to. Set at login, read with the session, so that no other store is asked. */
export interface SessionData {
  userId: string;
  email: string;
}

/** Instants are epoch milliseconds by Redis' clock. A session ends at the earlier of the two expiries. */
export interface Session {
  /** Names the session to its owner, in a device list or a log. It grants nothing. */
  id: string;
  data: SessionData;
  createdAt: number;
  lastSeenAt: number;
  idleExpiresAt: number;
  absoluteExpiresAt: number;
}
