import { pause } from "@tenure/core/deadline";
import type { CancelAction, EventLog, LoggedEvent, NewEvent } from "@tenure/core/events";
import type { EventText } from "./event-json.ts";
import { Starts } from "./starts.ts";

interface FeedOptions {
  log: EventLog;
  runId: string;
  /** Of the lease under which the run is. */
  fence: number;
  /** Number of its first event. */
  first: number;
  /** Hears what somebody elsewhere wants done with the run, or that somebody else has it. */
  onCancel: (action: CancelAction | "lost") => void;
}

/**
 * The events of one run, in order, while it is under way in this process. The run appends and never waits, neither for a
 * reader nor for Redis: readers here get every event from memory, and the log gets them in batches, for whoever joins the
 * run elsewhere or comes back to it.
 *
 * States: open (events are appended, and written to the log) -> ended (every event and the end are in memory, and in the log where that
 * takes them), or lost (somebody else has the run: readers go on from the log). Neither is left again. Nothing is appended once it
 * is closed, and a feed that the log has refused writes no more.
 */
export class Feed {
  private readonly log: EventLog;
  private readonly runId: string;
  private readonly fence: number;
  private readonly onCancel: (action: CancelAction | "lost") => void;
  /** Number of the first event in memory. */
  private readonly first: number;
  private readonly events: LoggedEvent[] = [];
  /** Events of this feed in the form that the log takes. */
  private readonly texts: NewEvent[] = [];
  /** The first event that has ended with each tail. */
  private readonly tails = new Map<string, number>();
  private starts = new Starts();
  private logged: number;
  private writing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed: "ended" | "lost" | undefined;
  /** True while the log has not taken some of the events. */
  private lacking = false;
  /** True once the log has refused this feed: it is somebody else's. */
  private isRefused = false;
  /** Readers that wait for the next change. */
  private readonly waiting = new Set<() => void>();

  constructor(options: FeedOptions) {
    this.log = options.log;
    this.runId = options.runId;
    this.fence = options.fence;
    this.onCancel = options.onCancel;
    this.first = options.first;
    this.logged = options.first;
  }

  /** A `tail` is the end of the event's JSON that other events have too: the log has it once. */
  append(event: string, { head, tail: text }: EventText): void {
    const id = this.first + this.events.length;
    if (text !== undefined && !this.tails.has(text)) this.tails.set(text, id);
    if (text === undefined) {
      this.events.push({ id, event, data: head });
      this.texts.push({ event, ...this.starts.part(event, id, head) });
    } else {
      // Joined and not copied, as long as nobody looks into it.
      this.events.push({ id, event, data: head + text });
      this.texts.push({ event, head, tail: { text, first: this.tails.get(text) ?? id } });
    }
    this.notify();
    this.timer ??= setTimeout(() => void this.flush(), this.logged === this.first ? FIRST_BATCH_MS : BATCH_MS);
  }

  /** The run has ended, and its record says how: readers may leave once they have all. */
  async end(): Promise<void> {
    clearTimeout(this.timer);
    await this.flush(true);
    this.closed = "ended";
    this.notify();
  }

  /** Closes the feed of a run that this process no longer has: its readers are to go on with the log. */
  lose(): void {
    clearTimeout(this.timer);
    this.closed = "lost";
    this.notify();
  }

  /** Number of the last event; one less than the first while there is none. */
  get last(): number {
    return this.first + this.events.length - 1;
  }

  /** Waits until what was appended is in the log, or could not be put there. */
  async flush(ended = false): Promise<void> {
    while (this.writing) await this.writing;
    this.timer = undefined;
    this.writing = this.write(ended).finally(() => {
      this.writing = undefined;
    });
    await this.writing;
    if (this.hasMore && !this.closed)
      this.timer ??= setTimeout(() => void this.flush(), this.lacking ? RETRY_MS : BATCH_MS);
  }

  private get hasMore(): boolean {
    return !this.isRefused && this.logged < this.first + this.events.length;
  }

  private async write(ended: boolean): Promise<void> {
    if (this.isRefused) return;
    let isFull: boolean;
    let isAgain: boolean;
    do {
      const batch: NewEvent[] = [];
      const tails = new Set<string>();
      let bytes = 0;
      for (let i = this.logged - this.first; i < this.events.length && bytes < BATCH_BYTES; i++) {
        const event = this.texts[i] as NewEvent;
        batch.push(event);
        bytes += event.head.length;
        if (event.tail && !tails.has(event.tail.text)) bytes += event.tail.text.length;
        if (event.tail) tails.add(event.tail.text);
      }
      isFull = bytes >= BATCH_BYTES;
      const isLast = this.logged + batch.length === this.first + this.events.length;
      if (batch.length === 0 && !ended) return;
      try {
        const { runId, fence, logged: first } = this;
        const wish = await this.log.append({ runId, fence, first, events: batch, ended: ended && isLast });
        isAgain = wish === "start-gone";
        if (wish === "start-gone") {
          this.startAnew();
          continue;
        }
        if (wish === "lost") {
          this.isRefused = true;
          throw new Error("the log is somebody else's");
        }
        this.logged += batch.length;
        this.lacking = false;
        if (wish) this.onCancel(wish);
      } catch {
        // Idempotent, so the next batch brings it along.
        if (!this.lacking) this.notify();
        this.lacking = true;
        if (this.isRefused) this.onCancel("lost");
        return;
      }
    } while ((ended || isFull || isAgain) && this.hasMore);
  }

  /** Parts the events that are to be logged from nothing that is there: the log has lost what they begin as. */
  private startAnew(): void {
    this.starts = new Starts();
    for (let i = this.logged - this.first; i < this.events.length; i++) {
      const { id, event, data } = this.events[i] as LoggedEvent;
      if (!this.texts[i]?.tail) this.texts[i] = { event, ...this.starts.part(event, id, data) };
    }
  }

  /** Resolves at the next change, or after `ms`; true when there was one. */
  private waitForChange(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (changed: boolean) => {
        clearTimeout(timer);
        this.waiting.delete(woken);
        resolve(changed);
      };
      const woken = () => wake(true);
      const timer = setTimeout(wake, ms, false);
      this.waiting.add(woken);
    });
  }

  /**
   * Every event after number `after`, as many at a time as there are, and whenever nothing came for `quietMs` a word on
   * that: "quiet", or "unlogged" when Redis does not take the events, so that they cannot be had again. It ends with the
   * run; with "lost", elsewhere.
   */
  async *read(after: number, quietMs: number): AsyncGenerator<LoggedEvent[] | "quiet" | "unlogged" | "lost"> {
    let wasLacking = false;
    let isFirst = true;
    for (let id = Math.max(this.first, after + 1); ; ) {
      const events = this.events.slice(id - this.first);
      if (this.lacking !== wasLacking) {
        wasLacking = this.lacking;
        if (wasLacking) yield "unlogged";
      } else if (events.length > 0) {
        yield events;
        id += events.length;
      } else if (this.closed) {
        if (this.closed === "lost") yield "lost";
        return;
      } else if (!(await this.waitForChange(quietMs))) yield "quiet";
      // Events that follow one another closely are read together, rather than each by itself. Nobody waits for the first.
      else if (!isFirst) await pause(GATHER_MS);
      else isFirst = false;
    }
  }

  /** The first number that is in memory here; earlier ones are in the log. */
  get begins(): number {
    return this.first;
  }

  private notify(): void {
    for (const wake of this.waiting) wake();
  }
}

/** Upstash bills by command: the first batch of a run soon, and then two a second at most. */
const FIRST_BATCH_MS = 200;
const BATCH_MS = 500;
/** Milliseconds that a reader waits after an event, so that those close behind it are written at once. */
const GATHER_MS = 10;
const BATCH_BYTES = 400 * 1024;
const RETRY_MS = 1000;
