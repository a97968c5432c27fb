/** Threads as items of the table. */
import { Fields, isObject, parse } from "../damage.ts";
import type { Item, Key } from "../dynamo/index.ts";
import { type Floor, type Incarnation, newIncarnationId } from "../incarnation.ts";
import {
  type CancelAction,
  type Lease,
  type Lifetime,
  type LifetimeStrategy,
  type Projection,
  RUN_TTL_MS,
  type Thread,
  type ThreadStatus,
} from "./policy.ts";
import type { Ending, Holding, QueuedRun, Turns } from "./queue.ts";
import type { NewThread } from "./store.ts";

export const THREAD = "thread#";
export const threadKey = (id: string): Key => ({ pk: THREAD + id, sk: "thread" });
export const threadsOf = (owner: string): string => `threads#${owner}`;
/** Threads whose deletion has begun and not ended. */
export const CLOSED = "threads#closed";

/** Digits of one length sort as numbers do. */
export const sortable = (instant: number) => String(instant).padStart(15, "0");

/** A run of the queue as the attribute `line` has it. */
type StoredQueuedRun = [
  runId: string,
  startAt: number,
  attempt?: number,
  yields?: number,
  cancel?: CancelAction | undefined,
];

const queuedRunOf = ([runId, startAt, attempt = 0, yields = 0, cancel]: StoredQueuedRun): QueuedRun => ({
  ...{ runId, startAt, attempt, yields },
  ...(cancel && { cancel }),
});

export const storedQueue = (queue: readonly QueuedRun[]): string =>
  JSON.stringify(queue.map((one): StoredQueuedRun => [one.runId, one.startAt, one.attempt, one.yields, one.cancel]));

export interface ThreadRecord {
  thread: Thread;
  turns: Turns;
  /** Rises with every write of the record. */
  revision: number;
  metadata: string;
  /** When its deletion began, in epoch milliseconds. */
  closedAt?: number | undefined;
  /** The fence of the floor below which a sweep has deleted what is not seen. */
  swept?: number | undefined;
  /** Somebody has asked for the thread's older checkpoints to go, as soon as no run is in its queue. */
  isPruned: boolean;
  /** The item as it is stored. */
  item: Item;
}

/** The part of an update that says that the record was written. */
export const RISEN = {
  expression: "revision = if_not_exists(revision, :none) + :one",
  values: { ":none": 0, ":one": 1 },
};

/**
 * Condition: the thread is in this incarnation still. Every conditional write of a thread's record has it: a record that was deleted and made
 * again, perhaps by somebody else, can look the same in all the rest.
 */
export const inIncarnation = ({ id }: Incarnation): { condition: string; values: Record<string, string> } =>
  id === undefined
    ? { condition: "attribute_not_exists(life)", values: {} }
    : { condition: "life = :life", values: { ":life": id } };

/** Condition: the lease is held still. */
export function heldBy({ id, incarnation }: Lease) {
  const { condition, values } = inIncarnation(incarnation);
  return { condition: `leaseId = :lease AND ${condition}`, values: { ...values, ":lease": id } };
}

/** Condition: nobody has written the record since it was read. */
export const unchanged = (revision: number): { condition: string; values: Record<string, number> } =>
  revision === 0
    ? { condition: "attribute_not_exists(revision)", values: {} }
    : { condition: "revision = :seen", values: { ":seen": revision } };

/**
 * Epoch seconds at which the record of a thread that goes with its run has expired, should it be there still: a request that lands
 * after the run has ended and gone can make it once more.
 */
export const temporaryUntil = (now: number): number => Math.ceil((now + RUN_TTL_MS) / 1000);

export function threadItem({ id, owner, metadata, temporary = false, ttlMs, strategy }: NewThread, now: number): Item {
  return {
    ...threadKey(id),
    ...{ id, owner, createdAt: now, updatedAt: now, status: "idle", fence: 0, line: "[]", config: "{}" },
    life: newIncarnationId(),
    metadata: JSON.stringify(metadata),
    ...(ttlMs !== undefined && { ttlMs, deadline: now + ttlMs, ...storedStrategy(strategy) }),
    ...(temporary
      ? { temporary, expiresAt: temporaryUntil(now) }
      : { ipk: threadsOf(owner), isk: `${sortable(now)}#${id}` }),
  };
}

/** The attribute of a strategy, undefined for the one that is not stored. */
const storedStrategy = (strategy: LifetimeStrategy = "delete"): { strategy?: LifetimeStrategy | undefined } =>
  strategy === "delete" ? {} : { strategy };

/** The attributes of a lifetime that a thread is given, but for its deadline; none where it is given none. */
export const storedLifetime = ({ ttlMs, strategy }: Lifetime): Record<string, unknown> =>
  ttlMs === undefined ? {} : { ttlMs, strategy: storedStrategy(strategy).strategy };

const THREAD_STATUSES: readonly ThreadStatus[] = ["idle", "busy", "interrupted", "error"];
const THREAD_ADVICE = "Copy the thread to keep its state, or delete it.";
const isQueue = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((one) => Array.isArray(one) && typeof one[0] === "string" && Number.isFinite(one[1]));
const isEnded = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => isObject(one) && typeof one.runId === "string");

/** A thread's record as it is now, as far as it can be read: see `Thread.damage`. */
export function toThread(item: Item, now: number): ThreadRecord {
  const record = asStored(item);
  const floor = floorAt(record, now);
  if (!floor) return record;
  const { thread } = record;
  return { ...record, thread: { ...thread, incarnation: { ...thread.incarnation, floor } } };
}

function asStored(item: Item): ThreadRecord {
  const fields = new Fields(item);
  const { ipk, isk, closedAt } = item;
  const id = item.pk.slice(THREAD.length);
  const queue = fields.json<StoredQueuedRun[]>("line", isQueue, []).map(queuedRunOf);
  const ended = item.ended === undefined ? [] : fields.json<Ending[]>("ended", isEnded, []);
  const gone = (item.gone as string[] | undefined) ?? [];
  const createdAt = fields.instant("createdAt", Number.parseInt(String(isk), 10));
  const thread: Thread = {
    id,
    owner: fields.text("owner", String(ipk).startsWith(threadsOf("")) ? String(ipk).slice(threadsOf("").length) : ""),
    createdAt,
    updatedAt: fields.instant("updatedAt", createdAt),
    metadata: fields.json("metadata", isObject, {}),
    config: fields.json("config", isObject, {}),
    status: fields.oneOf("status", THREAD_STATUSES, "error"),
    inflight: queue.map(({ runId }) => runId),
    temporary: item.temporary === true,
    incarnation: { id: item.life as string | undefined, undone: (item.undone as string[] | undefined) ?? [] },
    ...(typeof item.ttlMs === "number" && { ttlMs: item.ttlMs }),
    ...(typeof item.deadline === "number" && { deadline: item.deadline }),
    ...(item.strategy === "keep_latest" && { strategy: item.strategy }),
    ...projectionOf(item),
  };
  // Damage to them is told; what they were is not known.
  for (const name of ["ttlMs", "deadline", "floor", "swept"]) if (item[name] !== undefined) fields.count(name);
  const fence = fields.count("fence");
  const revision = item.revision === undefined ? 0 : fields.count("revision");
  const lease = holdingOf(item);
  const { leaseRun } = item;
  const damage = fields.damage(`the record of thread ${id}`, THREAD_ADVICE);
  const status = queue.length > 0 ? "busy" : thread.status;
  return {
    thread: { ...thread, ...(damage.damage ? { ...damage, status: "error" } : { status }) },
    turns: {
      queue,
      ended,
      gone,
      fence,
      lease,
      ...(typeof leaseRun === "string" && { leasedRun: leaseRun }),
    },
    revision,
    metadata: String(item.metadata),
    isPruned: item.prune === true,
    item,
    ...(typeof item.swept === "number" && { swept: item.swept }),
    ...(typeof closedAt === "number" && { closedAt }),
  };
}

/**
 * True when somebody is at work in a thread, or a run waits there. A lease without a run is a change by hand: its instant is another deadline of the record, by the same clock
 * that wrote the deadline. Nothing is taken from its holder by this comparison: see lifetime.ts.
 */
export const isAtWork = ({ turns: { queue, lease } }: ThreadRecord, now: number): boolean =>
  queue.length > 0 || (lease !== undefined && lease.expiresAt > now);

/** A damaged record may not tell of its queue: its owner is shown it, and decides. */
const isIdle = (record: ThreadRecord, now: number): boolean => !record.thread.damage && !isAtWork(record, now);

const isLate = ({ thread: { deadline } }: ThreadRecord, now: number): boolean =>
  deadline !== undefined && now >= deadline;

/** True when a thread's deadline has passed, and the thread goes at it. */
export const isOver = (record: ThreadRecord, now: number): boolean =>
  record.thread.strategy !== "keep_latest" && isLate(record, now) && isIdle(record, now);

/** True when only the latest state of a thread is to be seen of all that is there now. */
const isToThin = (record: ThreadRecord, now: number): boolean =>
  (record.isPruned || (record.thread.strategy === "keep_latest" && isLate(record, now))) && isIdle(record, now);

/** True when what an index has of a thread may not be so any more: a deadline has passed. */
export const mayBeBehind = (record: ThreadRecord, now: number): boolean => isLate(record, now) || record.isPruned;

/** The floor of a thread, which rises at its deadline to the last lease that was taken before; undefined when it has none. */
export function floorAt(record: ThreadRecord, now: number): Floor | undefined {
  const { floor: fence, floorRoot: root } = record.item;
  const stored = typeof fence === "number" ? { fence, ...(typeof root === "string" && { root }) } : undefined;
  if (!isToThin(record, now) || stored?.fence === record.turns.fence) return stored;
  return { fence: record.turns.fence };
}

/** The attributes by which a floor that has risen stays where it is; none where it has not. */
export function risenFloor(record: ThreadRecord, now: number): Record<string, unknown> {
  if (!isToThin(record, now)) return {};
  const floor = floorAt(record, now);
  return { floor: floor?.fence, floorRoot: floor?.root, prune: undefined };
}

/** The deadline of a thread that is written to now; undefined for one that is kept for good. */
export const deadlineOf = (ttlMs: number | undefined, now: number): number | undefined =>
  ttlMs === undefined ? undefined : now + ttlMs;

/** The lease that somebody has, or had when he died. */
function holdingOf({ leaseId, leaseHolder, leaseRun, leaseExpiresAt }: Item): Holding | undefined {
  if (typeof leaseExpiresAt !== "number") return undefined;
  return {
    ...{ id: String(leaseId), holder: String(leaseHolder), expiresAt: leaseExpiresAt },
    ...(typeof leaseRun === "string" && { runId: leaseRun }),
  };
}

/** A projection that cannot be read, or is older than a later run, is none: the state is asked then. */
function projectionOf({ projected, fence }: Item): { projection?: Projection | undefined } {
  const read = typeof projected === "string" ? parse(projected) : undefined;
  if (!isObject(read) || !isObject(read.values) || read.fence !== fence) return {};
  return { projection: { values: read.values, isPart: read.isPart !== false } };
}
