/**
 * Wakes whoever waits for a thread of this process, when something has happened to it here.
 *
 * @example
 * const wakes = new Wakes();
 * const woken = wakes.next("thread-1", 2000); // true when it is woken, false after two seconds
 * wakes.wake("thread-1");
 */
export class Wakes {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** Resolves to true when the thread is woken next, or to false after `ms` milliseconds. */
  next(threadId: string, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting = this.waiting.get(threadId) ?? new Set();
      this.waiting.set(threadId, waiting);
      const over = (isWoken: boolean) => {
        clearTimeout(timer);
        waiting.delete(woken);
        if (waiting.size === 0) this.waiting.delete(threadId);
        resolve(isWoken);
      };
      const woken = () => over(true);
      const timer = setTimeout(over, ms, false);
      waiting.add(woken);
    });
  }

  wake(threadId: string): void {
    for (const woken of [...(this.waiting.get(threadId) ?? [])]) woken();
  }

  wakeAll(): void {
    for (const threadId of [...this.waiting.keys()]) this.wake(threadId);
  }
}
