/**
 * Carries out a write, or refuses it by throwing. A caller whose right to write can end (a run under a lease) passes one:
 * it sees each write begin and land, so that nothing is deleted under a write that is still under way.
 */
export type WriteGuard = <T>(write: () => Promise<T>) => Promise<T>;

/** Lets every write through. */
export const unguarded: WriteGuard = (write) => write();
