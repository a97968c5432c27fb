import type { RunEvent } from "./events.ts";

/**
 * The events of one run, in order, from the first. The run appends and never waits for a reader; each reader
 * gets every event, whenever it comes.
 */
export class Feed {
  private readonly events: RunEvent[] = [];
  private ended = false;
  private wake: () => void = () => {};
  private changed = new Promise<void>((resolve) => {
    this.wake = resolve;
  });

  append(event: RunEvent): void {
    this.events.push(event);
    this.notify();
  }

  end(): void {
    this.ended = true;
    this.notify();
  }

  /** Resolves at the next change, or after `ms`; true when there was one. */
  private async waitForChange(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, ms, false);
    });
    return Promise.race([this.changed.then(() => true), late]).finally(() => clearTimeout(timer));
  }

  /** Every event with its position, and undefined whenever nothing came for `quietMs`. Ends with the run. */
  async *read(quietMs: number): AsyncGenerator<{ id: number; event: RunEvent } | undefined> {
    for (let id = 0; ; ) {
      const event = this.events[id];
      if (event) yield { id: id++, event };
      else if (this.ended) return;
      else if (!(await this.waitForChange(quietMs))) yield undefined;
    }
  }

  private notify(): void {
    this.wake();
    this.changed = new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
