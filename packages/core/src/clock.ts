/**
 * Time enters core here and nowhere else, so that a test moves it instead of sleeping.
 * Redis scripts do not use this clock: they ask Redis for `TIME`.
 */
export interface Clock {
  /** The current time in epoch milliseconds. */
  now(): number;
}

// biome-ignore lint/style/noRestrictedGlobals: this is the one place where core reads the time.
export const systemClock: Clock = { now: () => Date.now() };
