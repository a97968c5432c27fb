/**
 * Time enters core here and nowhere else, so that a test moves it instead of sleeping.
 * Redis scripts do not use this clock: they ask Redis for `TIME`.
 */
export interface Clock {
  /** The current time in epoch milliseconds. */
  now(): number;
  /** Milliseconds from some moment on, by a clock that never goes back and is never set; the process' own when left out. */
  elapsed?(): number;
}

/** The time that has passed, by a clock that is never set: what a lease is judged by. */
export const elapsed = (clock: Clock): number => clock.elapsed?.() ?? performance.now();

// biome-ignore lint/style/noRestrictedGlobals: this is the one place where core reads the time.
export const systemClock: Clock = { now: () => Date.now() };
