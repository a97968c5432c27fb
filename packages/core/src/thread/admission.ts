/**
 * How a run comes into its thread's line. Its own item is stored first, so that whatever is in a line can be begun. Where
 * nobody is in the line, whoever admits it may take the lease in the same write: its item then says beforehand under which
 * fence it is running, and a fence that no lease has had means that it is not.
 */
import type { Clock } from "../clock.ts";
import { type Item, type Owned, type Table, untilDone } from "../dynamo/index.ts";
import { isOutcomeUnknown } from "../errors.ts";
import type { LeasePolicy } from "./policy.ts";
import { inLife, LEASE_FREE, OPEN, runItems, type ThreadRecord, threadItem, threadKey, toThread } from "./records.ts";
import type { RunStore } from "./runs.ts";
import type { Admission, Begun, NewAdmission, NewRun, ThreadChange } from "./store.ts";

interface Stores {
  table: Table;
  clock: Clock;
  policy: LeasePolicy;
  runs: RunStore;
  read: (threadId: string) => Promise<ThreadRecord | undefined>;
}

export async function admit(stores: Stores, run: NewRun, options: Admission) {
  const { table, clock, policy, runs, read } = stores;
  const { alone, holder, change = () => ({}) } = options;
  const { parts, item, request } = await runItems(run);
  let isStored = false;
  /** The fence that its item speaks of, if it was there before: its lease must have a higher one, however often this fails. */
  let claimed = 0;

  const isDue = ({ line, leaseExpiresAt = 0 }: ThreadRecord) =>
    line.length === 0 && leaseExpiresAt <= clock.now() && run.startAt <= clock.now();

  /** Stores the run's record, its request first; false when there is one. Leaves no request behind that has no record. */
  async function store(as: Item): Promise<boolean> {
    try {
      await table.putAll(parts);
      return await table.putIfAbsent(as);
    } catch (error) {
      if (parts.length > 0 && !isOutcomeUnknown(error)) await runs.discard(run.threadId, run.id).catch(() => {});
      throw error;
    }
  }

  /** Stores the run as running, and takes its thread. */
  async function beginAtOnce(record: ThreadRecord, holder: string): Promise<Begun | undefined> {
    const fence = record.fence + 1;
    const now = clock.now();
    if (!(await store({ ...item, status: "running", attempt: 1, fence, leaseHolder: holder }))) return undefined;
    isStored = true;
    const expiresAt = now + policy.leaseMs;
    const placed = placing(record, run, change(record.thread), now);
    const taken = await table.update(threadKey(run.threadId), {
      ...placed,
      expression: `${placed.expression}, leaseHolder = :holder, leaseRun = :run, leaseExpiresAt = :until, fence = :fence`,
      condition: `${placed.condition} AND ${LEASE_FREE}`,
      values: {
        ...placed.values,
        ":holder": holder,
        ":run": run.id,
        ":until": expiresAt,
        ":fence": fence,
        ":seen": record.fence,
      },
      isOwn: (found) => found.leaseHolder === holder && found.fence === fence,
    });
    if (taken) {
      const { life } = record.thread;
      const lease = { threadId: run.threadId, runId: run.id, holder, fence, expiresAt, line: placed.line, life };
      return { lease, run: { ...run, request, status: "running", updatedAt: run.createdAt, attempt: 1, yields: 0 } };
    }
    await runs.unbegun(run.threadId, run.id, { fence, holder });
    return undefined;
  }

  return untilDone(async () => {
    const record = await read(run.threadId);
    if (record?.thread.owner !== run.owner) {
      if (isStored) await runs.discard(run.threadId, run.id);
      return "not-found";
    }
    if (record.line.some(([id]) => id === run.id)) return "admitted";
    if (alone && record.line.length > 0) {
      if (isStored) await runs.discard(run.threadId, run.id);
      return "busy";
    }
    if (!isStored && holder !== undefined && isDue(record)) {
      const begun = await beginAtOnce(record, holder);
      if (begun || isStored) return begun ?? "again";
    }
    if (!isStored) {
      if (!(await store(item))) {
        // It was admitted before and has ended, or was about to be.
        const found = await runs.unended(run.threadId, run.id);
        if (!found) return "admitted";
        claimed = found.fence ?? 0;
      }
      isStored = true;
    }
    const placed = placing(record, run, change(record.thread), clock.now());
    const admitted = await table.update(threadKey(run.threadId), {
      ...placed,
      expression: `${placed.expression}, fence = :fence`,
      condition: `${placed.condition} AND fence = :seen`,
      values: { ...placed.values, ":fence": Math.max(record.fence, claimed), ":seen": record.fence },
    });
    return admitted ? "admitted" : "again";
  });
}

/** The run's record comes first: one without a thread is found among those that have not ended, and discarded. */
export async function admitNew(
  { table, clock, policy, runs, owned }: Omit<Stores, "read"> & { owned: Owned },
  run: NewRun,
  { temporary, holder, metadata, config }: NewAdmission,
): Promise<"admitted" | Begun> {
  const { id, threadId, owner, startAt } = run;
  const { parts, item, request } = await runItems(run);
  const now = clock.now();
  const line = JSON.stringify([[id, startAt]]);
  const expiresAt = now + policy.leaseMs;
  const begins = holder !== undefined && startAt <= now;
  const thread = {
    ...threadItem({ id: threadId, owner, metadata, temporary }, now),
    ...{ line, config: JSON.stringify(config) },
    ...(begins && { fence: 1, leaseHolder: holder, leaseRun: id, leaseExpiresAt: expiresAt }),
  };
  try {
    await table.putAll(parts);
    const running = { status: "running", attempt: 1, fence: 1, leaseHolder: holder };
    await Promise.all([table.put({ ...item, ...(begins && running) }), owned.add(owner, threadId)]);
    if (!(await table.putIfAbsent(thread))) throw new Error(`the id of a new thread is taken: ${threadId}`);
  } catch (error) {
    // Nobody knows of them yet. A record that cannot be taken back now is discarded as a stray.
    await Promise.all([
      runs.discard(threadId, id).catch(() => {}),
      table.deleteAll([threadKey(threadId), owned.keyOf(owner, threadId)]).catch(() => {}),
    ]);
    throw error;
  }
  if (!begins) return "admitted";
  const { life } = toThread(thread).thread;
  const lease = { threadId, runId: id, holder, fence: 1, expiresAt, line, life };
  return { lease, run: { ...run, request, status: "running", updatedAt: run.createdAt, attempt: 1, yields: 0 } };
}

/** The write that puts a run at the end of a line, if that is still as it was. */
function placing(record: ThreadRecord, run: NewRun, { metadata, config }: ThreadChange, now: number) {
  const line = JSON.stringify([...record.line, [run.id, run.startAt]]);
  const life = inLife(record.thread.life);
  return {
    line,
    // The status stays: a thread with a line is busy, and a run that never begins leaves it as it was.
    expression: "SET line = :line, metadata = :metadata, config = :config, updatedAt = :now",
    condition: `line = :before AND metadata = :known AND ${life.condition} AND ${OPEN}`,
    names: {},
    values: {
      ...life.values,
      ":line": line,
      ":before": record.stored,
      ":known": record.metadata,
      ":metadata": JSON.stringify({ ...record.thread.metadata, ...metadata }),
      ":config": JSON.stringify(config ?? record.thread.config),
      ":now": now,
    },
  };
}
