/** Steps of a run's holder: begin, renew, release, undo and settle. See docs/run-protocol.md. */
import { type Clock, elapsed } from "../clock.ts";
import type { Table } from "../dynamo/index.ts";
import { withUndone } from "../incarnation.ts";
import type { Lease, LeasePolicy, Run } from "./policy.ts";
import { begun, type Ending, type Holding, nextRun, type QueuedRun, released, settled, type Turns } from "./queue.ts";
import type { Recent } from "./recent.ts";
import { CLOSED, heldBy, RISEN, sortable, type ThreadRecord, threadKey, toThread } from "./records.ts";
import { asInThread } from "./run-records.ts";
import type { RunStore } from "./runs.ts";
import { newNonce, type Step } from "./step.ts";
import type { Begun, Later, ThreadStore } from "./store.ts";
import type { Watch } from "./watch.ts";

interface Stores {
  table: Table;
  clock: Clock;
  policy: LeasePolicy;
  watch: Watch;
  runs: RunStore;
  step: Step;
  /** A thread that is being deleted is absent. */
  read: (threadId: string) => Promise<ThreadRecord | undefined>;
  stored: (threadId: string) => Promise<ThreadRecord | undefined>;
  recents: Recent;
}

/** A lease, and the queue as it was when it was taken. */
interface Taken {
  lease: Lease;
  turns: Turns;
}

type Running = Pick<ThreadStore, "begin" | "renew" | "release" | "undo" | "settle">;

export function running(stores: Stores): Running {
  const { table, clock, policy, watch, runs, step, read, stored, recents } = stores;

  /** Takes the lease for the run whose turn it is. */
  async function take(threadId: string, holder: string): Promise<Taken | Later | undefined> {
    const id = newNonce();
    return step<Taken | Later | undefined>(
      threadId,
      () => read(threadId),
      async ({ thread, turns }) => {
        const [now, since] = [clock.now(), elapsed(clock)];
        const { incarnation } = thread;
        const takenBy = (turns: Turns, { runId = "", expiresAt }: Omit<Holding, "id" | "holder">): Taken => ({
          lease: { ...{ id, threadId, runId, holder, expiresAt, since, incarnation }, fence: turns.fence },
          turns,
        });
        if (turns.lease?.id === id) return { result: takenBy(turns, turns.lease) };
        await runs.finishAll(threadId, turns.ended);
        const entry = nextRun(turns, now);
        if (!entry) return { result: undefined };
        const left = turns.lease ? watch.left(threadId, turns.lease) : 0;
        if (turns.lease && left > 0)
          return { result: { retryAt: now + left, ...(watch.isSuspect(turns.lease) && { isSuspect: true }) } };
        if (entry.attempt === 0 && entry.startAt > now) return { result: { retryAt: entry.startAt } };
        const expiresAt = now + policy.leaseMs;
        const taken = begun({ ...turns, ended: [] }, entry.runId, { id, holder, expiresAt });
        return { result: takenBy(taken, { runId: entry.runId, expiresAt }), write: { turns: taken } };
      },
    );
  }

  /** The run of a lease; undefined when there is nothing to run, and then it is no longer in the queue. */
  async function runOf({ lease, turns }: Taken): Promise<Run | undefined> {
    const { threadId, runId } = lease;
    const run = await runs.get(threadId, runId);
    if (run?.status === "pending" && !run.damage) return asInThread(run, turns);
    const at = clock.now();
    if (!run) await conclude(lease, { status: "forgotten", at });
    else if (run.damage) {
      const message = `What is stored cannot be read: ${run.damage.what}. ${run.damage.advice}`;
      await conclude(lease, { status: "error", at, error: { error: "record-damaged", message } }, { status: "error" });
    } else await conclude(lease, { status: run.status as Ending["status"], at });
    return undefined;
  }

  /** Ends the lease's run: "lost" when the lease was no longer held. */
  async function conclude(
    lease: Lease,
    outcome: Pick<Ending, "status" | "at" | "error" | "lastEvent">,
    set: Record<string, unknown> = {},
    {
      remove = [],
      whenLast = {},
    }: { remove?: string[] | undefined; whenLast?: Record<string, unknown> | undefined } = {},
  ): Promise<"next" | "done" | "lost"> {
    const { threadId, runId, id, fence, incarnation } = lease;
    let ending: Ending | undefined;
    const left = await step<"next" | "done" | "lost">(
      threadId,
      async (recent) => recent ?? (await stored(threadId)),
      async ({ thread, turns }, isUnsure) => {
        const isOver = (queue: readonly QueuedRun[]) => (queue.length > 0 ? "next" : "done");
        const ours = (one: Ending) => one.runId === runId && one.fence === fence;
        if (thread.incarnation.id !== incarnation.id) return { result: "lost" };
        if (turns.lease?.id !== id) {
          const isOurs = isUnsure && (turns.ended.some(ours) || (await runs.endedBy(threadId, runId)) === fence);
          return { result: isOurs ? isOver(turns.queue) : "lost" };
        }
        const next = settled(turns, outcome);
        ending = next.ended.find(ours);
        const over = isOver(next.queue);
        return { result: over, write: { turns: next, remove, set: { ...set, ...(over === "done" && whenLast) } } };
      },
    );
    // The run has ended in its thread: its own record follows now or, if that fails, when somebody next looks.
    if (ending && left !== "lost") await runs.finish(threadId, ending).catch(() => {});
    return left ?? "lost";
  }

  return {
    async begin(threadId, holder) {
      for (;;) {
        const taken = await take(threadId, holder);
        if (!taken || "retryAt" in taken) return taken;
        const run = await runOf(taken).catch(async (error: unknown) => {
          await this.release(taken.lease).catch(() => {});
          throw error;
        });
        if (run) return { lease: taken.lease, run } satisfies Begun;
      }
    },

    async renew(lease) {
      const [now, since] = [clock.now(), elapsed(clock)];
      // Another process may have judged this lease to have lapsed, and be about to take the thread.
      if (since - lease.since >= policy.leaseMs) return undefined;
      const { condition, values } = heldBy(lease);
      const expiresAt = now + policy.leaseMs;
      const renewed = await table.updated(threadKey(lease.threadId), {
        expression: `SET leaseExpiresAt = :until, ${RISEN.expression}`,
        condition,
        names: {},
        values: { ...values, ...RISEN.values, ":until": expiresAt },
        isOwn: (found) => found.leaseId === lease.id && found.leaseExpiresAt === expiresAt,
      });
      if (!renewed) return undefined;
      recents.note(renewed);
      const entry = toThread(renewed, now).turns.queue.find(({ runId }) => runId === lease.runId);
      return { lease: { ...lease, expiresAt, since }, ...(entry?.cancel && { cancel: entry.cancel }) };
    },

    async release(lease) {
      const { threadId, id } = lease;
      await step(
        threadId,
        () => stored(threadId),
        ({ turns }) => {
          if (turns.lease?.id !== id) return { result: undefined };
          return { result: undefined, write: { turns: released(turns) } };
        },
      );
    },

    async undo(lease) {
      const undone = withUndone(lease.incarnation.undone, lease.runId);
      const { condition, values } = heldBy(lease);
      return table.update(threadKey(lease.threadId), {
        expression: `SET undone = :undone, ${RISEN.expression}`,
        condition,
        names: {},
        values: { ...values, ...RISEN.values, ":undone": undone },
        isOwn: (found) => found.leaseId === lease.id && (found.undone as string[] | undefined)?.at(-1) === lease.runId,
      });
    },

    settle(lease, { status, thread, projection, error, lastEvent, forget = false, close = false }) {
      const at = clock.now();
      const outcome = { status: forget ? ("forgotten" as const) : status, at, error, lastEvent };
      const projected = projection && JSON.stringify({ ...projection, fence: lease.fence });
      // As by `close`: should its process die before it erases the thread, the sweep does.
      const closed = { closedAt: at, ipk: CLOSED, isk: `${sortable(at)}#${lease.threadId}` };
      const whenLast = close ? closed : {};
      return conclude(lease, outcome, { status: thread, projected }, { whenLast });
    },
  };
}
