import { pause } from "../deadline.ts";
import { TenureError } from "../errors.ts";

/** The time that concurrent writes may come first, one after the other. */
const DEADLINE_MS = 10_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 200;

/**
 * Retries an optimistic write until no concurrent write beats it, with growing pauses; throws `store-unavailable`
 * (`not-applied`) when too many have for ten seconds.
 */
export async function untilDone<T>(attempt: () => Promise<T | "again">): Promise<T> {
  for (const pause of pauses(DEADLINE_MS, FIRST_PAUSE_MS, MAX_PAUSE_MS)) {
    const done = await attempt();
    if (done !== "again") return done;
    await pause();
  }
  throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
}

/** Pauses that grow, with jitter, and end at the deadline. */
export function* pauses(deadlineMs: number, firstMs = 50, maxMs = 2_000): Generator<() => Promise<void>> {
  const end = performance.now() + deadlineMs;
  for (let ms = firstMs; performance.now() < end; ms = Math.min(ms * 2, maxMs)) {
    const jittered = ms * (0.5 + Math.random() / 2);
    yield () => pause(Math.min(jittered, Math.max(0, end - performance.now())));
  }
}
