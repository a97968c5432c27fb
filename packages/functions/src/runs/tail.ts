/** A run's events from wherever they are: from memory while it is under way here, and else from the log. */
import type { LoggedEvent } from "@tenure/core/events";
import type { Deps } from "../deps.ts";
import type { Runner } from "./runner.ts";

export type Tailed = LoggedEvent[] | "quiet" | "unlogged";

const PAGE = 200;
const FIRST_POLL_MS = 100;
const LAST_POLL_MS = 1000;
const WAITING_MS = 2_000;
/** A log that is not there after so long was never written, or is gone. */
const STATUS_EVERY_MS = 2000;

/** Every event after number `after`, as many at a time as there are, with "quiet" whenever nothing came for `quietMs`; it ends with the run. */
export async function* tail(
  { deps, runner }: { deps: Deps; runner: Runner },
  { threadId, runId, after, quietMs }: { threadId: string; runId: string; after: number; quietMs: number },
): AsyncGenerator<Tailed> {
  let last = after;
  let pause = FIRST_POLL_MS;
  let heard = performance.now();
  let asked = performance.now();
  for (;;) {
    const live = runner.live(runId);
    if (live && last + 1 >= live.feed.begins) {
      let lost = false;
      for await (const one of live.feed.read(last, quietMs)) {
        if (one === "lost") lost = true;
        else yield one;
        if (typeof one === "object") last = one.at(-1)?.id ?? last;
      }
      if (!lost) return;
    }
    if (runner.isWaiting(threadId)) {
      // It begins here, so nobody needs to be asked.
      await runner.nextBegun(Math.min(quietMs, WAITING_MS));
      if (performance.now() - heard > quietMs) {
        heard = performance.now();
        yield "quiet";
      }
      continue;
    }
    const page = await deps.events.read(runId, last, PAGE);
    if (page?.events.length) yield page.events;
    last = page?.events.at(-1)?.id ?? last;
    if (page?.ended && page.events.length < PAGE) return;
    const now = performance.now();
    if (page?.events.length) {
      heard = now;
      pause = FIRST_POLL_MS;
      continue;
    }
    if (now - heard > quietMs) {
      heard = now;
      yield "quiet";
    }
    if (now - asked > STATUS_EVERY_MS || !page) {
      asked = now;
      const run = await deps.threads.run(threadId, runId);
      // The end of its log may have been lost, or the whole of it have expired.
      if (run?.status !== "pending" && run?.status !== "running") {
        const rest = await deps.events.read(runId, last, PAGE);
        if (rest?.events.length) yield rest.events;
        return;
      }
      // Whoever had it may be dead.
      await runner.kick(threadId);
    }
    await runner.nextBegun(pause);
    pause = Math.min(pause * 1.5, LAST_POLL_MS);
  }
}
