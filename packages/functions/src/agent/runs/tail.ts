/** A run's events from wherever they are: from memory while it is under way here, and else from the log. */
import { pause } from "@tenure/core/deadline";
import type { LoggedEvent } from "@tenure/core/events";
import type { AgentDeps } from "../deps.ts";
import type { Runner } from "./schedule/runner.ts";

export type Tailed = LoggedEvent[] | "quiet" | "unlogged" | "gap";

const PAGE = 200;
const FIRST_POLL_MS = 100;
const LAST_POLL_MS = 1000;
const READS = 3;
/** Between two looks at the log of a run that waits for a place here. */
const WAITING_MS = 2_000;
/** Between two looks at the record of a run whose log says nothing. */
const STATUS_EVERY_MS = 2000;
/** Between two looks at the record of a run that waits for a place here: many may wait, and each look is a read. */
const WAITING_STATUS_EVERY_MS = 10_000;

/** This process stops: the rest of a run's events are to be had from the one that follows. */
export class ServerStops extends Error {
  /** Node.js' own for a response that is broken off, of which its adapter prints no stack. */
  readonly code = "ERR_STREAM_PREMATURE_CLOSE";

  constructor() {
    super("this server stops");
  }
}

interface Tail {
  threadId: string;
  runId: string;
  owner: string;
  /** Number of the event that was seen last; -1 for none. */
  after: number;
  quietMs: number;
}

/**
 * Every event after number `after`, as many at a time as there are, with "quiet" whenever nothing came for `quietMs`, and "gap"
 * where events may be missing: a process that died may have had some that it had not put in the log. It ends with the run, and
 * gives the number of the run's last event, which was among them unless it is greater than the last one given; undefined when
 * nothing tells it any more. Throws `ServerStops` where this process is about to end and the run goes on elsewhere.
 */
export async function* tail(
  { deps, runner }: { deps: AgentDeps; runner: Runner },
  { threadId, runId, owner, after, quietMs }: Tail,
): AsyncGenerator<Tailed, number | undefined> {
  let last = after;
  let pause = FIRST_POLL_MS;
  let heard = performance.now();
  let asked = performance.now();
  const isGap = (next: number) => next !== last + 1;
  for (;;) {
    if (runner.isStopped) throw new ServerStops();
    const live = runner.live(runId);
    const begins = live?.feed.begins ?? Number.POSITIVE_INFINITY;
    // Events that earlier processes have logged come first.
    const page = last + 1 >= begins ? undefined : await deps.events.read(runId, last, PAGE);
    const events = page?.events.filter(({ id }) => id < begins) ?? [];
    if (events.length > 0) {
      for (const group of consecutive(events)) {
        if (isGap(group[0]?.id ?? 0)) yield "gap";
        yield group;
        last = group.at(-1)?.id ?? last;
      }
      heard = performance.now();
      pause = FIRST_POLL_MS;
      if (page?.ended && page.events.length < PAGE) return last;
      continue;
    }
    if (live) {
      let lost = false;
      for await (const one of live.feed.read(last, quietMs)) {
        if (one === "lost") lost = true;
        else {
          if (typeof one === "object" && isGap(one[0]?.id ?? 0)) yield "gap";
          yield one;
        }
        if (typeof one === "object") last = one.at(-1)?.id ?? last;
      }
      if (!lost) return last;
    }
    if (page?.ended) return last;
    const now = performance.now();
    if (now - heard > quietMs) {
      heard = now;
      yield "quiet";
    }
    // A run that waits for a place begins in this process, unless somebody elsewhere takes it or ends it.
    const waits = runner.isWaiting(threadId);
    if (now - asked > (waits ? WAITING_STATUS_EVERY_MS : STATUS_EVERY_MS) || !(page || waits)) {
      asked = now;
      const run = await deps.threads.run(threadId, runId);
      if (run?.status !== "pending" && run?.status !== "running") {
        // Events are logged before the end is on record; the end of the log may have been lost, or the whole of it expired.
        const rest = await untilRead(() => deps.events.read(runId, last, PAGE));
        for (const group of consecutive(rest?.events ?? [])) {
          if (isGap(group[0]?.id ?? 0)) yield "gap";
          yield group;
          last = group.at(-1)?.id ?? last;
        }
        if (rest?.events.length === PAGE) continue;
        if (run) return run.lastEvent ?? last;
        return rest?.ended ? last : undefined;
      }
      // The process that had the run may be dead.
      if (!waits) await runner.kick(threadId, owner);
    }
    // The run may have begun here since it was looked for.
    if (runner.live(runId) !== live) continue;
    const isChanged = await runner.nextChange(threadId, waits ? WAITING_MS : pause);
    if (isChanged) asked = Number.NEGATIVE_INFINITY;
    else pause = Math.min(pause * 1.5, LAST_POLL_MS);
  }
}

/** Asks a log that is not to be had at the moment a few times; undefined when it does not answer. */
async function untilRead<T>(read: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 0; tries < READS; tries++) {
    try {
      return await read();
    } catch {
      await pause(LAST_POLL_MS);
    }
  }
  return undefined;
}

/** Events in groups without a gap. */
function consecutive(events: readonly LoggedEvent[]): LoggedEvent[][] {
  const groups: LoggedEvent[][] = [];
  for (const event of events) {
    const group = groups.at(-1);
    if (group?.at(-1)?.id === event.id - 1) group.push(event);
    else groups.push([event]);
  }
  return groups;
}
