/** At most `tokens` in any `windowMs`, counted as a sliding window. */
export interface Limit {
  /** Names the window's keys; two limits of one name share their counts. Lower case and dashes. */
  name: string;
  tokens: number;
  windowMs: number;
}

export interface Taken {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Epoch milliseconds by Redis' clock when the current window ends. */
  resetAt: number;
  /** Milliseconds until then. */
  waitMs: number;
}

/**
 * Rate-limit windows that fail closed: when Redis does not answer, or answers nonsense, `take` throws
 * `store-unavailable`, and whoever calls it refuses the request. Atomic; one round trip. Not idempotent: a
 * repeated take counts twice, which errs on the strict side.
 */
export interface Windows {
  take(limit: Limit, subject: string): Promise<Taken>;
}
