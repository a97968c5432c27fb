/**
 * A simulated process, with clocks, timers and random numbers of its own. It can be frozen, so that nothing of it happens while
 * its wall clock goes on; thawed; and killed, after which nothing of it ever happens. Requests on their way may land all the same.
 */
import { type Surroundings, type Timer, within } from "./globals.ts";
import type { Random } from "./random.ts";
import { BEGINNING, type PlannedEvent, type World } from "./world.ts";

export interface ClockOptions {
  /** Milliseconds by which its wall clock is ahead. */
  skewMs?: number;
  /** The pace of both clocks; 1 is true time. */
  pace?: number;
  /** True when its monotonic clock stands still while it is frozen, as that of a sleeping laptop does. */
  sleeps?: boolean;
}

export class SimulatedProcess implements Surroundings {
  readonly name: string;
  readonly world: World;
  isDead = false;
  isFrozen = false;
  private skewMs: number;
  private readonly pace: number;
  private readonly sleeps: boolean;
  private sleptMs = 0;
  private frozenAt = 0;
  private readonly held: PlannedEvent[] = [];
  private readonly chance: Random;
  private readonly bytes: Random;
  private readonly mourners = new Set<() => void>();
  private readonly begunAt: number;

  constructor(world: World, name: string, { skewMs = 0, pace = 1, sleeps = false }: ClockOptions = {}) {
    this.world = world;
    this.name = name;
    this.skewMs = skewMs;
    this.pace = pace;
    this.sleeps = sleeps;
    this.begunAt = world.now;
    this.chance = world.random(`${name} chance`);
    this.bytes = world.random(`${name} bytes`);
  }

  /** Runs `work` as code of this process. */
  run<T>(work: () => T): T {
    return within(this, work);
  }

  wallClock(): number {
    return Math.floor(BEGINNING + this.world.now * this.pace + this.skewMs);
  }

  monotonic(): number {
    return (this.world.now - this.begunAt - this.sleptMs) * this.pace;
  }

  startTimer(run: () => void, ms: number, repeat: boolean): Timer {
    let event: PlannedEvent;
    const wait = ms / this.pace;
    const plan = () => {
      const fire = () => {
        if (repeat) plan();
        run();
      };
      event = this.world.after(wait, this, fire, true);
    };
    plan();
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  random(): number {
    return this.chance.fraction();
  }

  fillRandomly(bytes: Uint8Array): void {
    this.bytes.fill(bytes);
  }

  /** Sets the wall clock forward, or back. */
  jump(ms: number): void {
    this.skewMs += ms;
    this.world.note(`${this.name}: its wall clock jumps by ${ms} ms`);
  }

  freeze(ms: number): void {
    if (this.isDead || this.isFrozen) return;
    this.isFrozen = true;
    this.frozenAt = this.world.now;
    this.world.note(`${this.name}: freezes for ${Math.round(ms)} ms`);
    this.world.after(ms, undefined, () => this.thaw());
  }

  thaw(): void {
    if (this.isDead || !this.isFrozen) return;
    this.isFrozen = false;
    if (this.sleeps) this.sleptMs += this.world.now - this.frozenAt;
    this.world.note(`${this.name}: thaws`);
    // Either what is due comes first, or what has been answered meanwhile.
    const isTimersFirst = this.chance.chance(0.5);
    const waiting = this.held.splice(0);
    const inOrder = [true, false].flatMap((first) =>
      waiting.filter(({ isTimer }) => (isTimer === isTimersFirst) === first),
    );
    for (const event of inOrder) this.world.after(0, this, () => event.cancelled || event.run(), event.isTimer);
  }

  /** Keeps an event for when it thaws. */
  hold(event: PlannedEvent): void {
    this.held.push(event);
  }

  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.world.note(`${this.name}: dies`);
    for (const hear of this.mourners) hear();
    this.mourners.clear();
  }

  /** Calls `hear` when the process dies; returns what takes that back. */
  onDeath(hear: () => void): () => void {
    if (this.isDead) hear();
    else this.mourners.add(hear);
    return () => this.mourners.delete(hear);
  }
}
