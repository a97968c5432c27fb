/** Timers, one for each thread, after which the thread is looked at again. */
const MAX_WAIT_MS = 60_000;

export class ThreadTimers {
  private readonly timers = new Map<string, { timer: NodeJS.Timeout; over: () => void }>();

  /**
   * Acts in `waitMs` milliseconds, in a minute at the latest, and then no longer by another time that was set before. Resolves
   * when the act has ended, however it does, or is not to be.
   */
  set(threadId: string, waitMs: number, act: () => Promise<void>): Promise<void> {
    this.cancel(threadId);
    return new Promise((resolve) => {
      const timer = setTimeout(
        () =>
          void act()
            .catch(() => {})
            .finally(resolve),
        Math.min(MAX_WAIT_MS, waitMs),
      );
      this.timers.set(threadId, { timer, over: resolve });
    });
  }

  cancel(threadId: string): void {
    const { timer, over } = this.timers.get(threadId) ?? {};
    clearTimeout(timer);
    this.timers.delete(threadId);
    // Once what comes in its place has begun.
    if (over) setImmediate(over);
  }

  cancelAll(): void {
    for (const threadId of this.timers.keys()) this.cancel(threadId);
  }
}
