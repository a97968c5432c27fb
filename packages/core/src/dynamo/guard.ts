import { AsyncLocalStorage } from "node:async_hooks";

/**
 * A right to write that can end. Code that has one (a run under a lease) is given it: it sees each write begin and land, so
 * that nothing is deleted under a write that is still under way.
 */
export interface WriteGuard {
  /** Carries out a write, or refuses it by throwing. */
  write<T>(write: () => Promise<T>): Promise<T>;
  /** Throws once the right has ended. Asked before each request of a write, also one that is sent again: an answer may be late. */
  check(): void;
}

const guards = new AsyncLocalStorage<WriteGuard>();

/**
 * Runs `work`; every saver and every store that it calls, now or in what it leaves behind, writes through the guard.
 *
 * @example
 * await underGuard(guard, () => graph.invoke(input, config));
 */
export const underGuard = <T>(guard: WriteGuard, work: () => T): T => guards.run(guard, work);

/** Writes through the guard of the code that calls it; without one, at once. */
export const guarded = <T>(write: () => Promise<T>): Promise<T> => guards.getStore()?.write(write) ?? write();

/** Throws when the code that calls it may no longer write. */
export const checkGuard = (): void => guards.getStore()?.check();
