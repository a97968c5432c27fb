/**
 * A world of simulated processes: one order of events, and a time that passes only between them. Events of one moment happen in
 * the order in which they were planned; whose moments they are follows from the seed.
 */
import { realSetImmediate } from "./globals.ts";
import { SimulatedProcess } from "./process.ts";
import { Random } from "./random.ts";

export interface PlannedEvent {
  readonly at: number;
  readonly order: number;
  /** The process whose event it is; undefined for the network's and the stores' own. */
  readonly owner: SimulatedProcess | undefined;
  readonly run: () => void;
  /** True for a timer of its owner's own, false for an answer from elsewhere. */
  readonly isTimer: boolean;
  cancelled: boolean;
}

/** The instant of a world's beginning, in epoch milliseconds. */
export const BEGINNING = Date.UTC(2030, 0, 1);

/** Catches a world in which the same things go on for good. */
const MAX_EVENTS = 400_000;

export class World {
  readonly seed: number;
  /** True time in milliseconds since the beginning. */
  now = 0;
  /** The steps, a line each, for the replay of a seed. */
  readonly trace: string[] = [];
  readonly processes: SimulatedProcess[] = [];
  events = 0;
  /** Set where the simulation itself has failed: it knows less than what was asked of it. */
  failure: Error | undefined;
  private readonly queue: PlannedEvent[] = [];
  private readonly ids = new Map<string, string>();
  private planned = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  random(name: string): Random {
    return new Random(this.seed, name);
  }

  note(line: string): void {
    this.trace.push(`${this.now.toFixed(1).padStart(10)} ${this.short(line)}`);
  }

  /** A text with a number in place of each id, by the order in which they were seen: ids differ from one replay to the next. */
  short(text: string): string {
    return text.replace(UUID, (id) => {
      const known = this.ids.get(id) ?? `${this.ids.size + 1}`;
      this.ids.set(id, known);
      return known;
    });
  }

  start(name: string, options: ConstructorParameters<typeof SimulatedProcess>[2] = {}): SimulatedProcess {
    const process = new SimulatedProcess(this, name, options);
    this.processes.push(process);
    return process;
  }

  /** Plans an event `ms` from now. */
  after(ms: number, owner: SimulatedProcess | undefined, run: () => void, isTimer = false): PlannedEvent {
    return this.at(this.now + Math.max(0, ms), owner, run, isTimer);
  }

  /** Plans an event at a time, in milliseconds since the beginning. */
  at(at: number, owner: SimulatedProcess | undefined, run: () => void, isTimer = false): PlannedEvent {
    const event = { at, order: this.planned++, owner, run, isTimer, cancelled: false };
    push(this.queue, event);
    return event;
  }

  /** Goes on with the world until `isOver`, or until nothing more happens, or until `untilMs`. */
  async run(isOver: () => boolean, untilMs: number): Promise<"over" | "late"> {
    for (;;) {
      await settled();
      if (this.failure) throw this.failure;
      if (isOver()) return "over";
      const event = pop(this.queue);
      if (!event || event.at > untilMs || this.events > MAX_EVENTS) {
        if (event) push(this.queue, event);
        this.now = Math.max(this.now, Math.min(untilMs, event?.at ?? untilMs));
        return "late";
      }
      if (event.cancelled) continue;
      this.now = Math.max(this.now, event.at);
      const { owner } = event;
      if (owner?.isDead) continue;
      if (owner?.isFrozen) {
        owner.hold(event);
        continue;
      }
      this.events += 1;
      event.run();
    }
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Resolves when all that waits for nothing outside has been done. */
const settled = (): Promise<void> => new Promise((resolve) => void realSetImmediate(resolve));

const isBefore = (a: PlannedEvent, b: PlannedEvent) => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: PlannedEvent[], event: PlannedEvent): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(event, heap[parent] as PlannedEvent)) break;
    heap[at] = heap[parent] as PlannedEvent;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: PlannedEvent[]): PlannedEvent | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as PlannedEvent, heap[child] as PlannedEvent)) child += 1;
    if (!isBefore(heap[child] as PlannedEvent, last)) break;
    heap[at] = heap[child] as PlannedEvent;
    at = child;
  }
  heap[at] = last;
  return first;
}
