/** Threads and runs as items of the table. */
import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import { Fields, isObject, parse } from "../damage.ts";
import type { Item, Key } from "../dynamo/index.ts";
import { isTenureError } from "../errors.ts";
import { type Life, newLifeId } from "../life.ts";
import type { Lease, Projection, Run, RunStatus, Thread, ThreadStatus } from "./policy.ts";
import type { NewRun, NewThread } from "./store.ts";

const THREAD = "thread#";
export const threadKey = (id: string): Key => ({ pk: THREAD + id, sk: "thread" });
export const RUNS = "run#";
export const runKey = (threadId: string, runId: string): Key => ({ pk: `thread#${threadId}`, sk: RUNS + runId });
const partKey = (threadId: string, runId: string, part: number): Key => ({
  pk: `thread#${threadId}`,
  sk: `request#${runId}#${String(part).padStart(3, "0")}`,
});
export const partsOf = (runId: string): string => `request#${runId}#`;

export const threadsOf = (owner: string): string => `threads#${owner}`;
/** Threads whose deletion has begun and not ended. */
export const CLOSED = "threads#closed";
export const UNFINISHED = "runs#unfinished";

/** Digits of one length sort as numbers do. */
export const sortable = (instant: number) => String(instant).padStart(15, "0");

/** A run in its thread's line: its id, and when it may begin. */
type Place = [runId: string, startAt: number];

export const lineOf = (stored: string): Place[] => JSON.parse(stored) as Place[];

export interface ThreadRecord {
  thread: Thread;
  line: Place[];
  /** The line as it is stored, to be compared with. */
  stored: string;
  metadata: string;
  fence: number;
  /** When its deletion began, in epoch milliseconds. */
  closedAt?: number;
  holder?: string;
  leasedRun?: string;
  leaseExpiresAt?: number;
}

/** Condition: the thread is there and is not being deleted. */
export const OPEN = "attribute_exists(pk) AND attribute_not_exists(closedAt)";
/** That nobody has a thread, and nobody has had it since it was looked at. */
export const LEASE_FREE = `fence = :seen AND (attribute_not_exists(leaseExpiresAt) OR leaseExpiresAt <= :now) AND ${OPEN}`;

/**
 * Condition: the thread is in this life still. Every conditional write of a thread's record has it: a record that was deleted and made
 * again, perhaps by somebody else, can look the same in all the rest.
 */
export const inLife = ({ id }: Life): { condition: string; values: Record<string, string> } =>
  id === undefined
    ? { condition: "attribute_not_exists(life)", values: {} }
    : { condition: "life = :life", values: { ":life": id } };

/** Condition: the lease is held still. */
export function heldBy({ holder, fence, life }: Lease) {
  const { condition, values } = inLife(life);
  return {
    condition: `leaseHolder = :holder AND fence = :fence AND ${condition}`,
    values: { ...values, ":holder": holder, ":fence": fence },
  };
}

export function threadItem({ id, owner, metadata, temporary = false }: NewThread, now: number): Item {
  return {
    ...threadKey(id),
    ...{ id, owner, createdAt: now, updatedAt: now, status: "idle", fence: 0, line: "[]", config: "{}" },
    life: newLifeId(),
    metadata: JSON.stringify(metadata),
    ...(temporary ? { temporary } : { ipk: threadsOf(owner), isk: `${sortable(now)}#${id}` }),
  };
}

const THREAD_STATUSES: readonly ThreadStatus[] = ["idle", "busy", "interrupted", "error"];
const THREAD_ADVICE = "Copy the thread to keep its state, or delete it.";
const isLine = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((one) => Array.isArray(one) && typeof one[0] === "string" && Number.isFinite(one[1]));

/** A thread's record, as far as it can be read: see `Thread.damage`. */
export function toThread(item: Item): ThreadRecord {
  const fields = new Fields(item);
  const { ipk, isk, leaseHolder, leaseRun, leaseExpiresAt, closedAt } = item;
  const id = item.pk.slice(THREAD.length);
  const line = fields.json<Place[]>("line", isLine, []);
  const createdAt = fields.instant("createdAt", Number.parseInt(String(isk), 10));
  const thread: Thread = {
    id,
    owner: fields.text("owner", String(ipk).startsWith(threadsOf("")) ? String(ipk).slice(threadsOf("").length) : ""),
    createdAt,
    updatedAt: fields.instant("updatedAt", createdAt),
    metadata: fields.json("metadata", isObject, {}),
    config: fields.json("config", isObject, {}),
    status: fields.oneOf("status", THREAD_STATUSES, "error"),
    inflight: line.map(([runId]) => runId),
    temporary: item.temporary === true,
    life: { id: item.life as string | undefined, undone: (item.undone as string[] | undefined) ?? [] },
    ...projectionOf(item),
  };
  const fence = fields.count("fence");
  const damage = fields.damage(`the record of thread ${id}`, THREAD_ADVICE);
  const status = line.length > 0 ? "busy" : thread.status;
  return {
    thread: { ...thread, ...(damage.damage ? { ...damage, status: "error" } : { status }) },
    line,
    stored: String(item.line),
    metadata: String(item.metadata),
    fence,
    ...(typeof closedAt === "number" && { closedAt }),
    ...(typeof leaseHolder === "string" && { holder: leaseHolder }),
    ...(typeof leaseRun === "string" && { leasedRun: leaseRun }),
    ...(typeof leaseExpiresAt === "number" && { leaseExpiresAt }),
  };
}

/** A projection that cannot be read, or is older than a later run, is none: the state is asked then. */
function projectionOf({ projected, fence }: Item): { projection?: Projection } {
  const read = typeof projected === "string" ? parse(projected) : undefined;
  if (!isObject(read) || !isObject(read.values) || typeof read.until !== "number" || read.fence !== fence) return {};
  return { projection: { values: read.values, isPart: read.isPart !== false, until: read.until } };
}

/** The part of an update that replaces a thread's projection, which holds until a run with a higher fence begins. */
export const projecting = (projection: Projection | undefined, fence: number) => ({
  set: projection ? ", projected = :projected" : "",
  remove: projection ? "" : "projected",
  values: projection ? { ":projected": JSON.stringify({ ...projection, fence }) } : {},
});

/** Handing it to another thread takes longer than so little takes. */
const SMALL_BYTES = 16 * 1024;
const deflated = async (bytes: Buffer): Promise<Buffer> =>
  bytes.length <= SMALL_BYTES ? deflateRawSync(bytes) : promisify(deflateRaw)(bytes);
const inflated = async (bytes: Uint8Array): Promise<Buffer> =>
  bytes.length <= SMALL_BYTES / 4 ? inflateRawSync(bytes) : promisify(inflateRaw)(bytes);

/** More than this of a request goes into items of its own. */
const MAX_INLINE_BYTES = 100_000;
const PART_BYTES = 350_000;

interface RunItems {
  /** Of its request, if that is large. */
  parts: Item[];
  item: Item;
  /** As it will be read. */
  request: Record<string, unknown>;
}

export async function runItems(run: NewRun): Promise<RunItems> {
  const { id, threadId, metadata, startAt, ...rest } = run;
  const text = JSON.stringify(run.request);
  const bytes = await deflated(Buffer.from(text));
  const parts: Item[] = [];
  if (bytes.length > MAX_INLINE_BYTES)
    for (let from = 0; from < bytes.length; from += PART_BYTES)
      parts.push({ ...partKey(threadId, id, parts.length), data: bytes.subarray(from, from + PART_BYTES) });
  const item = {
    ...runKey(threadId, id),
    ...{ id, threadId, startAt, ...rest },
    ...{ status: "pending", attempt: 0, yields: 0, updatedAt: run.createdAt },
    metadata: JSON.stringify(metadata),
    request: parts.length > 0 ? parts.length : bytes,
    ipk: UNFINISHED,
    isk: `${sortable(startAt)}#${threadId}#${id}`,
  };
  return { parts, item, request: JSON.parse(text) as Record<string, unknown> };
}

/** Where a run is to be found and when it may begin, by its keys, which nothing else of it can damage. */
export const placeOf = ({ pk, sk, isk }: Item): { threadId: string; runId: string; startAt: number } => ({
  threadId: pk.slice(THREAD.length),
  runId: sk.slice(RUNS.length),
  startAt: Number.parseInt(String(isk), 10) || 0,
});

const RUN_STATUSES: readonly RunStatus[] = ["pending", "running", "success", "error", "timeout", "interrupted"];
const RUN_ADVICE = "Delete the run, and begin another one.";

/** A run's record, as far as it can be read: see `Run.damage`. `parts` reads the request's parts, where it has any. */
export async function toRun(item: Item, parts: () => Promise<Uint8Array[]>): Promise<Run> {
  const fields = new Fields(item);
  const id = item.sk.slice(RUNS.length);
  const startAt = fields.instant("startAt");
  const createdAt = fields.instant("createdAt", startAt);
  const run: Run = {
    id,
    threadId: item.pk.slice(THREAD.length),
    owner: fields.text("owner"),
    assistantId: fields.text("assistantId"),
    graphId: fields.text("graphId"),
    status: fields.oneOf("status", RUN_STATUSES, "error"),
    request: (await requestOf(item, parts)) ?? fields.lose("request", {}),
    metadata: fields.json("metadata", isObject, {}),
    multitask: fields.text("multitask"),
    createdAt,
    updatedAt: fields.instant("updatedAt", createdAt),
    startAt,
    attempt: fields.count("attempt"),
    yields: item.yields === undefined ? 0 : fields.count("yields"),
    ...((item.cancel === "interrupt" || item.cancel === "rollback") && { cancel: item.cancel }),
    ...(item.error !== undefined && { error: fields.json("error", isObject, UNKNOWN_ERROR) }),
  };
  return { ...run, ...fields.damage(`the record of run ${id}`, RUN_ADVICE) };
}

const UNKNOWN_ERROR = { error: "Error", message: "The error of this run cannot be read." };

/** Undefined when it cannot be read. */
async function requestOf(
  { request }: Item,
  parts: () => Promise<Uint8Array[]>,
): Promise<Record<string, unknown> | undefined> {
  try {
    const stored = request instanceof Uint8Array ? request : Buffer.concat(await parts());
    const read = parse((await inflated(stored)).toString());
    return isObject(read) ? read : undefined;
  } catch (error) {
    if (isTenureError(error)) throw error;
    return undefined;
  }
}
