/** Threads as items of the table. */
import { Fields, isObject, parse } from "../damage.ts";
import type { Item, Key } from "../dynamo/index.ts";
import { type Incarnation, newIncarnationId } from "../incarnation.ts";
import {
  type CancelAction,
  type Lease,
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

export function threadItem({ id, owner, metadata, temporary = false, ttlMs }: NewThread, now: number): Item {
  return {
    ...threadKey(id),
    ...{ id, owner, createdAt: now, updatedAt: now, status: "idle", fence: 0, line: "[]", config: "{}" },
    life: newIncarnationId(),
    metadata: JSON.stringify(metadata),
    ...(ttlMs !== undefined && { ttlMs, deadline: now + ttlMs }),
    ...(temporary
      ? { temporary, expiresAt: temporaryUntil(now) }
      : { ipk: threadsOf(owner), isk: `${sortable(now)}#${id}` }),
  };
}

const THREAD_STATUSES: readonly ThreadStatus[] = ["idle", "busy", "interrupted", "error"];
const THREAD_ADVICE = "Copy the thread to keep its state, or delete it.";
const isQueue = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((one) => Array.isArray(one) && typeof one[0] === "string" && Number.isFinite(one[1]));
const isEnded = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => isObject(one) && typeof one.runId === "string");

/** A thread's record, as far as it can be read: see `Thread.damage`. */
export function toThread(item: Item): ThreadRecord {
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
    ...projectionOf(item),
  };
  // Damage to them is told; what they were is not known.
  for (const name of ["ttlMs", "deadline"]) if (item[name] !== undefined) fields.count(name);
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
    item,
    ...(typeof closedAt === "number" && { closedAt }),
  };
}

/** True when a thread's deadline has passed. */
export function isOver({ thread, turns }: ThreadRecord, now: number): boolean {
  const { deadline, damage } = thread;
  // A damaged record may not tell of its queue: its owner is shown it, and decides.
  if (damage || deadline === undefined || now < deadline || turns.queue.length > 0) return false;
  return turns.lease === undefined || turns.lease.expiresAt <= now;
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
