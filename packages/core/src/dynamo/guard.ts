import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Carries out a write, or refuses it by throwing. Code whose right to write can end (a run under a lease) is given one: it
 * sees each write begin and land, so that nothing is deleted under a write that is still under way.
 */
export type WriteGuard = <T>(write: () => Promise<T>) => Promise<T>;

const guards = new AsyncLocalStorage<WriteGuard>();

/**
 * Runs `work`; every saver and every store that it calls, now or in what it leaves behind, writes through the guard.
 *
 * @example
 * await underGuard(guard, () => graph.invoke(input, config));
 */
export const underGuard = <T>(guard: WriteGuard, work: () => T): T => guards.run(guard, work);

/** Writes through the guard of the code that calls it; without one, at once. */
export const guarded: WriteGuard = (write) => guards.getStore()?.(write) ?? write();
