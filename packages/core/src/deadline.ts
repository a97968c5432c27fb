/** A bound on how long something that takes a signal may go on. */

/**
 * Runs `work` with a signal that is aborted after `ms` milliseconds, and clears the timer when the work is over. The work
 * rejects in its own way when it is aborted; work that ignores its signal is not bounded.
 *
 * @example
 * const response = await withDeadline(3000, (signal) => fetch(url, { signal }));
 */
export async function withDeadline<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError")), ms);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}
