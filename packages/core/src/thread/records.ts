/** Threads and runs as items of the table. */
import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import type { Item, Key } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import { newLifeId } from "../life.ts";
import type { Run, RunStatus, Thread, ThreadStatus } from "./policy.ts";
import type { NewRun, NewThread } from "./store.ts";

export const threadKey = (id: string): Key => ({ pk: `thread#${id}`, sk: "thread" });
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

/** That a thread is there and is not being deleted. */
export const OPEN = "attribute_exists(pk) AND attribute_not_exists(closedAt)";
/** That nobody has a thread, and nobody has had it since it was looked at. */
export const LEASE_FREE = `fence = :seen AND (attribute_not_exists(leaseExpiresAt) OR leaseExpiresAt <= :now) AND ${OPEN}`;

export function threadItem({ id, owner, metadata, temporary = false }: NewThread, now: number): Item {
  return {
    ...threadKey(id),
    ...{ id, owner, createdAt: now, updatedAt: now, status: "idle", fence: 0, line: "[]", config: "{}" },
    life: newLifeId(),
    metadata: JSON.stringify(metadata),
    ...(temporary ? { temporary } : { ipk: threadsOf(owner), isk: `${sortable(now)}#${id}` }),
  };
}

export function toThread(item: Item): ThreadRecord {
  try {
    const line = lineOf(String(item.line));
    const { leaseHolder, leaseRun, leaseExpiresAt, closedAt } = item;
    return {
      thread: {
        id: String(item.id),
        owner: String(item.owner),
        createdAt: Number(item.createdAt),
        updatedAt: Number(item.updatedAt),
        metadata: JSON.parse(String(item.metadata)) as Record<string, unknown>,
        config: JSON.parse(String(item.config)) as Record<string, unknown>,
        status: line.length > 0 ? "busy" : (item.status as ThreadStatus),
        inflight: line.map(([runId]) => runId),
        temporary: item.temporary === true,
        life: { id: item.life as string | undefined, undone: (item.undone as string[] | undefined) ?? [] },
      },
      line,
      stored: String(item.line),
      metadata: String(item.metadata),
      fence: Number(item.fence),
      ...(typeof closedAt === "number" && { closedAt }),
      ...(typeof leaseHolder === "string" && { holder: leaseHolder }),
      ...(typeof leaseRun === "string" && { leasedRun: leaseRun }),
      ...(typeof leaseExpiresAt === "number" && { leaseExpiresAt }),
    };
  } catch (cause) {
    throw corrupt(`the record of thread ${item.pk}`, cause);
  }
}

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

/** `parts` reads the request's parts, where it has any. */
export async function toRun(item: Item, parts: () => Promise<Uint8Array[]>): Promise<Run> {
  try {
    const stored = item.request instanceof Uint8Array ? item.request : Buffer.concat(await parts());
    const request = (await inflated(stored)).toString();
    return {
      id: String(item.id),
      threadId: String(item.threadId),
      owner: String(item.owner),
      assistantId: String(item.assistantId),
      graphId: String(item.graphId),
      status: item.status as RunStatus,
      request: JSON.parse(request) as Record<string, unknown>,
      metadata: JSON.parse(String(item.metadata)) as Record<string, unknown>,
      multitask: String(item.multitask),
      createdAt: Number(item.createdAt),
      updatedAt: Number(item.updatedAt),
      startAt: Number(item.startAt),
      attempt: Number(item.attempt),
      yields: Number(item.yields ?? 0),
      ...((item.cancel === "interrupt" || item.cancel === "rollback") && { cancel: item.cancel }),
      ...(typeof item.error === "string" && { error: JSON.parse(item.error) as NonNullable<Run["error"]> }),
    };
  } catch (cause) {
    if (cause instanceof TenureError) throw cause;
    throw corrupt(`the record of run ${item.id}`, cause);
  }
}

const corrupt = (what: string, cause: unknown) =>
  new TenureError({ tag: "store-corrupt", store: "dynamodb", what }, { cause });
