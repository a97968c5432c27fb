/** Bounded waits: work under a signal, a promise that may be late, and a pause. */

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

/**
 * Resolves when `work` has, or after `ms` milliseconds, and clears the timer. Work that is late goes on; its failure is the caller's
 * only as long as it is waited for.
 */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Resolves after `ms` milliseconds, sooner when the signal is aborted, by the timers that tests and the simulator move: those of
 * `node:timers/promises` stand outside.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (!signal) return new Promise((resolve) => setTimeout(resolve, ms));
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
