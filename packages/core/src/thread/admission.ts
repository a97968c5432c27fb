/**
 * Admits runs: puts a run on record and in its thread's queue. The run's own record is stored first, so that every run in a queue
 * can be begun; a run whose admission was cut short is in the index of unfinished runs. Where the run's turn is now, whoever admits
 * it takes the lease in the same write.
 */
import { type Clock, elapsed } from "../clock.ts";
import type { Owned, Table } from "../dynamo/index.ts";
import { isOutcomeUnknown } from "../errors.ts";
import { mark } from "./marker.ts";
import type { Lease, LeasePolicy, Run } from "./policy.ts";
import { begun, cancelled, type Ending, entered } from "./queue.ts";
import type { Recent } from "./recent.ts";
import { storedLifetime, storedQueue, type ThreadRecord, temporaryUntil, threadItem, toThread } from "./records.ts";
import { asInThread, runItems } from "./run-records.ts";
import type { RunStore } from "./runs.ts";
import { newNonce, type Step } from "./step.ts";
import type { Admission, Begun, NewAdmission, NewRun, ThreadChange } from "./store.ts";
import type { Watch } from "./watch.ts";

interface Stores {
  table: Table;
  clock: Clock;
  policy: LeasePolicy;
  watch: Watch;
  runs: RunStore;
  step: Step;
  read: (recent?: ThreadRecord) => Promise<ThreadRecord | undefined>;
}

type Verdict = "admitted" | "busy" | "not-found" | Begun;

export async function admit(stores: Stores, run: NewRun, options: Admission): Promise<Verdict> {
  const { clock, policy, watch, runs, step, read } = stores;
  const { alone, ends, holder, change = (): ThreadChange => ({}), onAsked, onStuck } = options;
  const { threadId, id } = run;
  const admission = newNonce();
  const leaseId = newNonce();
  const { parts, item, request } = await runItems(run, admission);
  /** "stored" by this admission, with this request; "adopted" where another request of the run may be on record. */
  let state: "stored" | "adopted" | "ended" | undefined;
  let endings: readonly Ending[] = [];
  let told: readonly string[] = [];

  const takeBack = async () => {
    if (state === "stored") await runs.takeBack(threadId, id, admission);
  };

  let tries = 0;
  const admitted = await step<Verdict>(threadId, read, async (record) => {
    endings = [];
    told = [];
    tries += 1;
    const { turns, thread } = record;
    if (thread.owner !== run.owner) {
      await takeBack();
      return { result: "not-found" };
    }
    if (turns.lease?.id === leaseId) return { result: begunRun(record, turns.lease.expiresAt) };
    const isKnown = [...turns.queue, ...turns.ended].some(({ runId }) => runId === id) || turns.gone.includes(id);
    if (isKnown) return { result: "admitted" };
    // Another admission of the same run may have come first, and the run have ended meanwhile.
    if (tries > 1 && (await runs.endedBy(threadId, id)) !== undefined) return { result: "admitted" };
    if (alone && turns.queue.length > 0) {
      await takeBack();
      const { lease, queue } = turns;
      const isDue = queue.some(({ startAt }) => startAt <= clock.now());
      if (lease ? watch.isSuspect(lease) : isDue) onStuck?.();
      return { result: "busy" };
    }
    state ??= await runs.secure({ parts, item }, { threadId, id, admission });
    if (state === "ended") return { result: "admitted" };
    await runs.finishAll(threadId, turns.ended);
    const now = clock.now();
    const before = { ...turns, ended: [] };
    const {
      turns: left,
      ended,
      asked,
    } = ends ? cancelled(before, () => true, ends, now) : { turns: before, ended: [], asked: [] };
    endings = ended;
    told = asked;
    const next = entered(left, run);
    const begins =
      holder !== undefined && state === "stored" && left.queue.length === 0 && !turns.lease && run.startAt <= now;
    const since = elapsed(clock);
    const expiresAt = now + policy.leaseMs;
    const { metadata, config, ...lifetime } = change(thread);
    const set = {
      metadata: JSON.stringify({ ...thread.metadata, ...metadata }),
      config: JSON.stringify(config ?? thread.config),
      ...storedLifetime(lifetime),
    };
    if (!begins) return { result: "admitted", write: { turns: next, set } };
    const taken = begun(next, id, { id: leaseId, holder, expiresAt });
    return {
      result: begunRun({ ...record, turns: taken }, expiresAt, since),
      write: { turns: taken, set },
    };
  });
  if (!admitted) {
    await takeBack();
    return "not-found";
  }
  // The runs have ended in their thread, and nobody waits for more: their records follow now, or when somebody next looks.
  await Promise.all(endings.map((ending) => runs.finish(threadId, ending).catch(() => {})));
  if (told.length > 0) onAsked?.(told);
  return admitted;

  function begunRun({ turns, thread }: ThreadRecord, expiresAt: number, since = elapsed(clock)): Begun {
    const { fence } = turns;
    const lease: Lease = {
      id: leaseId,
      threadId,
      runId: id,
      holder: holder ?? "",
      fence,
      expiresAt,
      since,
      incarnation: thread.incarnation,
    };
    return { lease, run: asInThread({ ...asRun(run), request }, turns) ?? asRun(run) };
  }
}

const asRun = (run: NewRun): Run => ({ ...run, status: "pending", updatedAt: run.createdAt, attempt: 0, yields: 0 });

/** The run's record comes first: one without a thread is found among those that have not ended, and discarded. */
export async function admitNew(
  stores: Pick<Stores, "table" | "clock" | "policy" | "runs"> & { owned: Owned; recents: Recent },
  run: NewRun,
  { temporary, holder, metadata, config, ttlMs, strategy }: NewAdmission,
): Promise<"admitted" | Begun> {
  const { table, clock, policy, runs, owned, recents } = stores;
  const { id, threadId, owner, startAt } = run;
  const admission = newNonce();
  const { parts, item, request } = await runItems(run, admission);
  const now = clock.now();
  const since = elapsed(clock);
  const expiresAt = now + policy.leaseMs;
  const leaseId = newNonce();
  const waiting = entered({ queue: [], ended: [], gone: [], fence: 0 }, run);
  const begins = holder !== undefined && startAt <= now;
  const turns = begins ? begun(waiting, id, { id: leaseId, holder, expiresAt }) : waiting;
  const thread = {
    ...threadItem({ id: threadId, owner, metadata, temporary, ttlMs, strategy }, now),
    ...{ line: storedQueue(turns.queue), fence: turns.fence, config: JSON.stringify(config) },
    ...(begins && { leaseId, leaseHolder: holder, leaseRun: id, leaseExpiresAt: expiresAt }),
  };
  const [state] = await Promise.all([
    runs.secure({ parts, item }, { threadId, id, admission }),
    owned.add(owner, threadId, temporary ? temporaryUntil(now) : undefined),
    ttlMs !== undefined && mark(table, threadId, now + ttlMs),
  ]);
  const made = toThread(thread, now).thread;
  // An earlier request of this run was admitted: the run has ended, or its thread is there.
  if (state === "ended") return "admitted";
  const takeBack = async () => state === "stored" && (await runs.takeBack(threadId, id, admission));
  try {
    if (!(await table.putIfAbsent(thread))) {
      await takeBack();
      return "admitted";
    }
    recents.note(thread);
  } catch (error) {
    // Where the thread may be there, the run is in its queue, and another request of the same run may have been told so.
    const isGone = !isOutcomeUnknown(error) && (await takeBack().catch(() => false));
    // A record that is not taken back is discarded as a stray.
    if (isGone) await table.deleteAll([owned.keyOf(owner, threadId)]).catch(() => {});
    throw error;
  }
  if (!begins) return "admitted";
  const { incarnation } = made;
  const lease = { id: leaseId, threadId, runId: id, holder, fence: turns.fence, expiresAt, since, incarnation };
  return { lease, run: asInThread({ ...asRun(run), request }, turns) ?? asRun(run) };
}
