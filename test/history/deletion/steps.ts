/**
 * Steps: the requests of concurrent operations, and the nodes of their graphs, carried out one at a time in an order that a
 * seed decides. A step begins when nothing else moves, so that the same seed gives the same history. Timers stand still
 * meanwhile; they go on when all there is waits for one, and now and then by a little.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { vi } from "vitest";
import type { Random } from "../../support/random.ts";

interface Held {
  operation: string;
  label: string;
  /** By the timers' clock, in milliseconds. */
  since: number;
  /** Comes after all others, as a request does that was slow on its way. */
  isSlow: boolean;
  release(): void;
}

/** The turns of the event loop in which nothing comes: after them all that moves waits for a step or a timer. */
const QUIET_TURNS = 6;
/** A step that waits for longer is released before all others: clients have deadlines of 10 s. */
const PATIENCE_MS = 4_000;
const JUMP_MS = 1_500;
/** The inverse share of slow steps. */
const SLOW_OF = 8;
/** More than any schedule has. */
const MAX_RELEASES = 5_000;

export class Steps {
  /** A line for each step, in order, for a schedule that failed. */
  readonly trace: string[] = [];
  /** Counts releases, and all that `tick` was called for: the order of what happened. */
  instant = 0;
  /** Steps are released in the order in which they came. */
  isOrderly = true;
  private readonly random: Random;
  private readonly operations = new AsyncLocalStorage<string>();
  private readonly priorities = new Map<string, number>();
  private readonly way: "uniform" | "priorities" | "bursts";
  private held: Held[] = [];
  private underWay = 0;
  private changes = 0;
  private last = "";

  constructor(random: Random) {
    this.random = random;
    this.way = (["uniform", "priorities", "bursts"] as const)[random(3)] ?? "uniform";
  }

  tick(): number {
    this.instant += 1;
    return this.instant;
  }

  get operation(): string {
    return this.operations.getStore() ?? "";
  }

  /** Runs `work` as an operation: its steps, and those of what it leaves behind, are of that name. */
  as<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.operations.run(operation, work);
  }

  /** Carries out `work` when it is this step's turn. */
  async step<T>(label: string, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((release) => {
      const isSlow = !this.isOrderly && this.random(SLOW_OF) === 0;
      this.held.push({ operation: this.operation, label, since: performance.now(), isSlow, release });
      this.changes += 1;
    });
    try {
      return await work();
    } finally {
      this.underWay -= 1;
      this.changes += 1;
    }
  }

  /** Releases steps until the promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
      this.changes += 1;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled);
    return promise;
  }

  /** Lets so much time pass, and does all there is to do meanwhile. */
  async pass(ms: number): Promise<void> {
    const end = performance.now() + ms;
    const late = setTimeout(() => {}, ms);
    await this.until(() => performance.now() >= end && this.held.length === 0);
    clearTimeout(late);
  }

  private async until(isDone: () => boolean): Promise<void> {
    for (let releases = 0; ; releases++) {
      await this.quiet();
      if (isDone()) return;
      if (releases > MAX_RELEASES) throw new Error(`there is no end:\n${this.trace.slice(-60).join("\n")}`);
      if (this.held.length === 0) {
        if (vi.getTimerCount() === 0) throw new Error(`nothing moves:\n${this.trace.slice(-60).join("\n")}`);
        await vi.advanceTimersToNextTimerAsync();
        continue;
      }
      const late = this.held.find(({ since }) => performance.now() - since > PATIENCE_MS);
      if (!late && !this.isOrderly && this.random(15) === 0) await vi.advanceTimersByTimeAsync(this.random(JUMP_MS));
      this.release(late ?? this.chosen());
    }
  }

  private release(one: Held): void {
    this.held = this.held.filter((other) => other !== one);
    this.last = one.operation;
    this.underWay += 1;
    this.trace.push(`${this.tick()} ${one.operation}: ${one.label}`);
    one.release();
  }

  private chosen(): Held {
    const [first = this.held[0] as Held] = this.held;
    if (this.isOrderly) return first;
    const quick = this.held.filter(({ isSlow }) => !isSlow);
    const all = quick.length > 0 ? quick : this.held;
    const anyOf = (some: Held[]) => some[this.random(some.length)] ?? first;
    if (this.way === "uniform") return anyOf(all);
    if (this.way === "bursts") {
      const same = all.filter(({ operation }) => operation === this.last);
      return anyOf(same.length > 0 && this.random(6) > 0 ? same : all);
    }
    for (const { operation } of all)
      if (!this.priorities.has(operation)) this.priorities.set(operation, this.random(1_000));
    const of = ({ operation }: Held) => this.priorities.get(operation) ?? 0;
    const highest = Math.max(...all.map(of));
    const chosen = anyOf(all.filter((one) => of(one) === highest));
    // Now and then the one that was first comes last from here on.
    if (this.random(12) === 0) this.priorities.set(chosen.operation, -this.random(1_000));
    return chosen;
  }

  private async quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; ) {
      const seen = this.changes;
      await new Promise((resolve) => setImmediate(resolve));
      turns = this.underWay === 0 && this.changes === seen ? turns + 1 : 0;
    }
  }
}

/** Holds the timers and the date of this process; what a timer calls is of the operation that has set it. */
export function holdTime(): { release(): void } {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
    now: Date.now(),
  });
  const { setTimeout: timeout, setInterval: interval } = globalThis;
  const bound =
    <T extends typeof timeout | typeof interval>(set: T) =>
    (work: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
      (set as typeof timeout)(AsyncLocalStorage.bind(work), ms, ...args);
  globalThis.setTimeout = bound(timeout) as typeof timeout;
  globalThis.setInterval = bound(interval) as typeof interval;
  return {
    release() {
      // Only what it has put there itself is taken away.
      Object.assign(globalThis, { setTimeout: timeout, setInterval: interval });
      vi.useRealTimers();
    },
  };
}
