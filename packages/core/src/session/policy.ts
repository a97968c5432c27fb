import { TenureError } from "../errors.ts";

/** The lifetime of sessions, and the number that a user may have. All durations in milliseconds. */
export interface SessionPolicy {
  /** A session that is not used for this long ends. */
  idleMs: number;
  /** A session ends this long after the login that began it, used or not. */
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

/** Throws `misconfigured` for a policy under which no session could live, or none would end. */
export function checkPolicy(policy: SessionPolicy): void {
  const problems = Object.entries(policy)
    .filter(([name, value]) => !Number.isSafeInteger(value) || value < (name === "touchEveryMs" ? 0 : 1))
    .map(
      ([name, value]) =>
        `session policy: ${name} must be a whole number of milliseconds or sessions above 0, not ${value}`,
    );
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
}

/** Where a session was begun, for its owner to recognize it by. Words, not evidence. */
export interface Origin {
  /** "Firefox on Windows". */
  device?: string | undefined;
  /** "203.0.113.0/24": coarse on purpose. */
  network?: string | undefined;
}

/** Instants are epoch milliseconds by Redis' clock. A session ends at the earlier of the two expiries. */
export interface Session<Data> {
  /** Names the session to its owner, in a device list or a log. It grants nothing. A rotation changes it. */
  id: string;
  data: Data;
  /** Rises with every update of `data`. */
  revision: number;
  origin: Origin;
  createdAt: number;
  /** When the user last proved who they are: at login, and at a rotation that followed a new proof. */
  authenticatedAt: number;
  /** The last touch; up to `touchEveryMs` behind the last read. */
  lastSeenAt: number;
  idleExpiresAt: number;
  absoluteExpiresAt: number;
  /** Redis' clock when it gave this answer. */
  readAt: number;
}

/** A session whose record cannot be read, as in a list: it lives until its deadline, lets nobody in, and can be revoked. */
export interface DamagedSession {
  id: string;
  damaged: true;
}

export const isDamaged = (session: Session<unknown> | DamagedSession): session is DamagedSession =>
  "damaged" in session;

/** The most bytes that a session's data may have, as UTF-8 JSON. They are read with every request. */
export const MAX_DATA_BYTES = 4096;
