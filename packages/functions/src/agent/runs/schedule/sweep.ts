/** Looks for what was left behind: runs that nobody is at work on, and deletions that were cut short. */
import { sweepDeletions, type UnderWay } from "../../deletion.ts";
import type { AgentDeps } from "../../deps.ts";

/** A run that is in no queue after so long never will be: a request takes seconds. */
const STRAY_MS = 5 * 60 * 1000;

/**
 * Leaves to somebody, by `handOver`, every thread that has something due and is not at work here, also after one of them that
 * fails, and throws then.
 */
export async function sweep(
  deps: AgentDeps,
  runner: UnderWay,
  handOver: (threadId: string, owner?: string) => Promise<void>,
): Promise<void> {
  const threads = new Map<string, string | undefined>();
  const failures: unknown[] = [];
  const fail = (error: unknown) => failures.push(error);
  for await (const { threadId, runId, owner, startAt, isDelayed } of deps.threads.unfinished(deps.clock.now())) {
    const since = deps.clock.now() - startAt;
    if (runner.live(runId) || (isDelayed && since < 0)) continue;
    if (since > STRAY_MS) await deps.threads.endStray(threadId, runId).catch(fail);
    threads.set(threadId, owner);
  }
  for (const [threadId, owner] of threads) await handOver(threadId, owner).catch(fail);
  await sweepDeletions(deps, runner).catch(fail);
  if (failures.length > 0) throw failures[0];
}
