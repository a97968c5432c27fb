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

/** An instant as AWS' signatures have it: `YYYYMMDDTHHMMSSZ`. */
// biome-ignore lint/style/noRestrictedGlobals: this writes a time, and reads none.
export const toStamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");

/** The instant that a `Date` header names, in epoch milliseconds; NaN for what is none. */
// biome-ignore lint/style/noRestrictedGlobals: this reads a text, and no clock.
export const timeOf = (text: string): number => Date.parse(text);
