/** The kinds of activity that an account's owner is told of. Kinds are added, never renamed: entries are kept for months. */
export type ActivityKind =
  /** A code was accepted and a session began. Detail: `session`, `ended` (how many sessions gave way). */
  | "login"
  /** A code was not accepted. Detail: `why`; `limited` when too many were tried, so that it was not looked at. */
  | "login-refused"
  /** No code was sent, since one had just been, or too many had been wrong. */
  | "code-withheld"
  /** Somebody with a session was asked to prove anew who they are. Detail: `session`. */
  | "step-up-refused"
  /** The entry is damaged: only when it was is known. */
  | "unreadable"
  /**
   * Detail of the four: `session`, the one that asked; `target`, the one that ended; `ended`, how many did; `unconfirmed`,
   * 1 when Redis did not answer, so that what was asked for may or may not have been done.
   */
  | "logout"
  | "session-revoked"
  | "others-revoked"
  | "all-revoked";

export interface Activity {
  /** Sorts by time. */
  id: string;
  /** Keyed hash of the account's e-mail address. */
  account: string;
  /** Epoch milliseconds. */
  at: number;
  kind: ActivityKind;
  device?: string | undefined;
  network?: string | undefined;
  detail: Record<string, string | number>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export const DEFAULT_ACTIVITY_TTL_MS = 90 * DAY_MS;
