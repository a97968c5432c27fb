/** Nothing stays under way for good; and what a fresh process reads then. */
import { isFinal, type Run } from "@tenure/core/thread";
import { OWNER } from "../service.ts";
import { ask } from "../workload/http.ts";
import type { ThreadPlan } from "../workload/plan.ts";
import { type Ending, inFresh, type ThreadFacts, type Violation } from "./ending.ts";

/** Leases, sweeps and retries are over long before, in milliseconds. */
const PATIENCE_MS = 15 * 60_000;
const LOOK_EVERY_MS = 3000;
/** Records that were left behind are judged by two clocks: it takes longer by as much as they differ. */
const SKEWED_MS = 2 * 3_600_000;
const SELDOM_MS = 60_000;
/** An index that was behind has caught up by then. */
const INDEX_MS = 10_000;

/** Waits until nothing is under way; returns a violation that names what still is when that takes too long. */
export async function atRest(ending: Ending): Promise<Violation[]> {
  const { world, plan, run } = ending;
  const soon = world.now + PATIENCE_MS;
  const isSkewed = plan.skews.some((skew) => Math.abs(skew) > PATIENCE_MS / 3);
  const until = soon + (isSkewed ? SKEWED_MS : 0);
  await run(() => false, INDEX_MS);
  for (;;) {
    const left = await inFresh(ending, () => underWay(ending));
    if (left?.length === 0) return [];
    if (world.now > until) return [{ invariant: "stuck", detail: left?.join("; ") ?? "the stores do not answer" }];
    await run(() => false, world.now > soon ? SELDOM_MS : LOOK_EVERY_MS);
  }
}

async function underWay({ fresh, plan, seen }: Ending): Promise<string[]> {
  const { threads } = fresh.deps;
  const left: string[] = [];
  for (const { id } of plan.threads) {
    const thread = await threads.get(id, OWNER);
    if (thread && thread.inflight.length > 0) left.push(`thread ${id} has ${thread.inflight}`);
    else if (thread?.status === "busy") left.push(`thread ${id} is busy`);
    for await (const { id: run, status, metadata } of threads.runs(id, OWNER))
      if (!isFinal(status)) left.push(`run ${run} of ${metadata.op} is ${status}`);
  }
  for (const { run, thread, operation } of seen.sent) {
    if (run === undefined || operation.stateless) continue;
    const found = await threads.run(thread, run);
    if (found && !isFinal(found.status)) left.push(`run ${run} of ${operation.id} is ${found.status}`);
  }
  for await (const { threadId, runId } of threads.unfinished())
    left.push(`run ${runId} of thread ${threadId} is listed`);
  for await (const { id } of threads.closed()) left.push(`thread ${id} is being deleted`);
  return left;
}

export async function factsOf(ending: Ending, plan: ThreadPlan): Promise<ThreadFacts> {
  const { fresh, seen } = ending;
  const sent = seen.sent.filter(({ thread, operation }) => thread === plan.id && !operation.stateless);
  const facts = await inFresh(ending, async () => {
    const { threads } = fresh.deps;
    const thread = await threads.get(plan.id, OWNER);
    const runs: Run[] = [];
    for await (const run of threads.runs(plan.id, OWNER)) runs.push(run);
    const get = async (method: string, path: string, body?: object) => {
      const { status, text } = await ask(fresh.process, fresh, { method, path, ...(body && { body }) });
      return status === 200 ? JSON.parse(text) : undefined;
    };
    const state = await get("GET", `/threads/${plan.id}/state`);
    const history = (await get("POST", `/threads/${plan.id}/history`, { limit: 1000 })) ?? [];
    const unreadable: string[] = history
      .filter((one: object) => "error" in one)
      .map((one: object) => JSON.stringify(one));
    if (thread && !state) unreadable.push("its state");
    return {
      ...{
        thread,
        runs,
        unreadable,
        said: (state?.values?.said ?? []) as string[],
        next: (state?.next ?? []) as string[],
      },
      questions: ((state?.tasks ?? []) as { interrupts: { value: unknown }[] }[]).flatMap(({ interrupts }) =>
        interrupts.map(({ value }) => value),
      ),
    };
  });
  if (!facts) throw new Error("a fresh process reads nothing");
  return {
    ...{ plan, sent, ...facts },
    isRemoved: seen.removes.some(({ thread, result }) => thread === plan.id && result !== "refused"),
    hasForks: sent.some(({ base }) => base !== undefined),
  };
}
