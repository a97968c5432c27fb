/** Runs as items of the table: the request, and in the end what became of it. */
import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import { Fields, isObject, parse } from "../damage.ts";
import type { Item, Key } from "../dynamo/index.ts";
import { isTenureError } from "../errors.ts";
import { isFinal, RUN_TTL_MS, type Run, type RunStatus } from "./policy.ts";
import type { Turns } from "./queue.ts";
import { sortable, THREAD } from "./records.ts";
import type { NewRun, Unfinished } from "./store.ts";

export const RUNS = "run#";
export const runKey = (threadId: string, runId: string): Key => ({ pk: `thread#${threadId}`, sk: RUNS + runId });
/** The parts of one admission's request: another admission of the run has parts of its own. Earlier versions named none. */
export const partsOf = (runId: string, admission?: string): string =>
  `request#${runId}#${admission === undefined ? "" : `${admission}#`}`;

/**
 * Partitions of the index that hold the runs that have not ended: several, since one takes 1,000 write units a second, and a run is one or
 * more for its admission and as many for its end. A sweep asks each of them. The first is that of earlier versions, whose runs it
 * still holds. Source:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
 */
export const UNFINISHED: readonly string[] = [
  "runs#unfinished",
  ...Array.from({ length: 32 }, (_, shard) => `runs#unfinished#${shard}`),
];

function unfinishedOf(runId: string): string | undefined {
  let hash = 0;
  for (let at = 0; at < runId.length; at++) hash = (hash * 31 + runId.charCodeAt(at)) >>> 0;
  return UNFINISHED[1 + (hash % (UNFINISHED.length - 1))];
}

const PROMPT = "0";
const DELAYED = "1";

/** Runs that were to begin at once come first in their partition, and then the delayed ones by their start. */
const placeOf = ({ id, threadId, startAt, createdAt }: NewRun): string =>
  `${startAt > createdAt ? DELAYED : PROMPT}#${sortable(startAt)}#${threadId}#${id}`;

/** Above the places of all runs that are due by an instant, and of all that were to begin at once. */
export const aboveDue = (instant: number): string => `${DELAYED}#${sortable(instant + 1)}`;

/** Handing it to another thread takes longer than so little takes. */
const SMALL_BYTES = 16 * 1024;
const deflated = async (bytes: Buffer): Promise<Buffer> =>
  bytes.length <= SMALL_BYTES ? deflateRawSync(bytes) : promisify(deflateRaw)(bytes);
const inflated = async (bytes: Uint8Array): Promise<Buffer> =>
  bytes.length <= SMALL_BYTES / 4 ? inflateRawSync(bytes) : promisify(inflateRaw)(bytes);

/**
 * A request, with the run's metadata, goes into items of its own when it is larger. A run's record is in the index, which is read as it waits
 * and written as it is admitted and as it ends: with this much it has less than a kilobyte, one write unit each time.
 */
const MAX_INLINE_BYTES = 400;
const PART_BYTES = 350_000;

/** Lifetime of a request's own items from the run's start on, in milliseconds: that of an ended run's record, and a day. */
const PARTS_TTL_MS = RUN_TTL_MS + 24 * 60 * 60 * 1000;

interface RunItems {
  /** Items of the request, if that is large. */
  parts: Item[];
  item: Item;
  /** As it will be read. */
  request: Record<string, unknown>;
}

/** `admission` tells this admission of the run from another one of it. */
export async function runItems(run: NewRun, admission: string): Promise<RunItems> {
  const { id, threadId, metadata, startAt, request, ...rest } = run;
  const text = JSON.stringify(request);
  const metadataText = JSON.stringify(metadata);
  const inline = await deflated(Buffer.from(text));
  const isLarge = inline.length + Buffer.byteLength(metadataText) > MAX_INLINE_BYTES;
  const parts: Item[] = [];
  const requestExpiresAt = Math.ceil((startAt + PARTS_TTL_MS) / 1000);
  const bytes = isLarge ? await deflated(Buffer.from(`{"request":${text},"metadata":${metadataText}}`)) : inline;
  if (isLarge)
    for (let from = 0; from < bytes.length; from += PART_BYTES)
      parts.push({
        ...{ pk: runKey(threadId, id).pk, sk: partsOf(id, admission) + String(parts.length).padStart(3, "0") },
        data: bytes.subarray(from, from + PART_BYTES),
        expiresAt: requestExpiresAt,
      });
  const item = {
    ...runKey(threadId, id),
    ...{ id, threadId, startAt, admission, ...rest },
    ...{ status: "pending", updatedAt: run.createdAt },
    ...(isLarge ? { apart: admission, requestExpiresAt } : { request: bytes, metadata: metadataText }),
    ...{ ipk: unfinishedOf(id), isk: placeOf(run) },
  };
  return { parts, item, request: JSON.parse(text) as Record<string, unknown> };
}

/** Where a run is to be found and when it may begin, by its keys, which nothing else of it can damage. */
export function whereabouts({ pk, sk, isk, owner, createdAt }: Item): Unfinished {
  const [, kind, start = ""] = /^(?:([01])#)?(\d+)/.exec(String(isk)) ?? [];
  const startAt = Number(start);
  return {
    ...{ threadId: pk.slice(THREAD.length), runId: sk.slice(RUNS.length), startAt },
    // Earlier versions had no kind.
    isDelayed: kind === undefined ? typeof createdAt === "number" && startAt > createdAt : kind === DELAYED,
    ...(typeof owner === "string" && { owner }),
  };
}

/** A run as its thread has it, which knows first what becomes of the run. */
export function asInThread(run: Run, { queue, ended, gone }: Pick<Turns, "queue" | "ended" | "gone">): Run | undefined {
  const entry = queue.find(({ runId }) => runId === run.id);
  if (entry) {
    const { attempt, yields, cancel } = entry;
    return {
      ...run,
      attempt,
      yields,
      ...(cancel && { cancel }),
      ...(!isFinal(run.status) && attempt > 0 && { status: "running" }),
    };
  }
  const ending = ended.find(({ runId }) => runId === run.id);
  // A copy of its record that has landed late: the run was rolled back, and who asks for it has been told so.
  if (!ending) return !isFinal(run.status) && gone.includes(run.id) ? undefined : run;
  const { status, at, attempt, yields, error, lastEvent } = ending;
  if (status === "forgotten") return undefined;
  return {
    ...run,
    status,
    updatedAt: at,
    attempt,
    yields,
    ...(error && { error }),
    ...(lastEvent !== undefined && { lastEvent }),
  };
}

const RUN_STATUSES: readonly RunStatus[] = ["pending", "running", "success", "error", "timeout", "interrupted"];
const RUN_ADVICE = "Delete the run, and begin another one.";

/** A run's record, as far as it can be read: see `Run.damage`. `parts` reads the request's parts, where it has any. */
export async function toRun(item: Item, parts: () => Promise<Uint8Array[]>): Promise<Run> {
  const fields = new Fields(item);
  const id = item.sk.slice(RUNS.length);
  const startAt = fields.instant("startAt");
  const createdAt = fields.instant("createdAt", startAt);
  const asked = await askedOf(item, parts);
  const run: Run = {
    id,
    threadId: item.pk.slice(THREAD.length),
    owner: fields.text("owner"),
    assistantId: fields.text("assistantId"),
    graphId: fields.text("graphId"),
    status: fields.oneOf("status", RUN_STATUSES, "error"),
    request: asked.request ?? fields.lose("request", {}),
    metadata: asked.metadata ?? (item.apart === undefined ? fields.json("metadata", isObject, {}) : {}),
    multitask: fields.text("multitask"),
    createdAt,
    updatedAt: fields.instant("updatedAt", createdAt),
    startAt,
    attempt: item.attempt === undefined ? 0 : fields.count("attempt"),
    yields: item.yields === undefined ? 0 : fields.count("yields"),
    ...(item.lastEvent !== undefined && { lastEvent: Number(item.lastEvent) }),
    ...(item.error !== undefined && { error: fields.json("error", isObject, UNKNOWN_ERROR) }),
  };
  return { ...run, ...fields.damage(`the record of run ${id}`, RUN_ADVICE) };
}

const UNKNOWN_ERROR = { error: "Error", message: "The error of this run cannot be read." };

interface AskedFor {
  request?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

/** The request, and the metadata where that is beside it; nothing where it cannot be read. */
async function askedOf({ request, apart }: Item, parts: () => Promise<Uint8Array[]>): Promise<AskedFor> {
  try {
    const stored = request instanceof Uint8Array ? request : Buffer.concat(await parts());
    const read = parse((await inflated(stored)).toString());
    if (!isObject(read)) return {};
    if (apart === undefined) return { request: read };
    const { request: asked, metadata } = read;
    return isObject(asked) && isObject(metadata) ? { request: asked, metadata } : {};
  } catch (error) {
    if (isTenureError(error)) throw error;
    return {};
  }
}
