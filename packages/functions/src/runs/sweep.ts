/** Looks for what was left behind: runs that nobody is at work on, and deletions that were cut short. */
import { sweepDeletions } from "../deletion.ts";
import type { Deps } from "../deps.ts";
import type { Runner } from "./runner.ts";

/** A run that is in no line after so long never will be: a request takes seconds. */
const STRAY_MS = 5 * 60 * 1000;

/**
 * Leaves to somebody, by `leave`, every thread that has something due and is not at work here, also after one of them that
 * fails, and throws then.
 */
export async function sweep(deps: Deps, runner: Runner, leave: (threadId: string) => Promise<void>): Promise<void> {
  const threads = new Set<string>();
  const failures: unknown[] = [];
  const fail = (error: unknown) => failures.push(error);
  for await (const { threadId, runId, startAt, isDelayed } of deps.threads.unfinished()) {
    const since = deps.clock.now() - startAt;
    if (runner.live(runId) || (isDelayed && since < 0)) continue;
    if (since > STRAY_MS) await deps.threads.endStray(threadId, runId).catch(fail);
    threads.add(threadId);
  }
  for (const threadId of threads) await leave(threadId).catch(fail);
  await sweepDeletions(deps, runner).catch(fail);
  if (failures.length > 0) throw failures[0];
}
