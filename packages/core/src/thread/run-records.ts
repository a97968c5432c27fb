/** Runs as items of the table: the request, and in the end what became of it. */
import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import { Fields, isObject, parse } from "../damage.ts";
import type { Item, Key } from "../dynamo/index.ts";
import { isTenureError } from "../errors.ts";
import type { Turns } from "./line.ts";
import { isFinal, RUN_TTL_MS, type Run, type RunStatus } from "./policy.ts";
import { sortable, THREAD } from "./records.ts";
import type { NewRun, Unfinished } from "./store.ts";

export const RUNS = "run#";
export const runKey = (threadId: string, runId: string): Key => ({ pk: `thread#${threadId}`, sk: RUNS + runId });
const partKey = (threadId: string, runId: string, part: number): Key => ({
  pk: `thread#${threadId}`,
  sk: `request#${runId}#${String(part).padStart(3, "0")}`,
});
export const partsOf = (runId: string): string => `request#${runId}#`;

export const UNFINISHED = "runs#unfinished";

/** Handing it to another thread takes longer than so little takes. */
const SMALL_BYTES = 16 * 1024;
const deflated = async (bytes: Buffer): Promise<Buffer> =>
  bytes.length <= SMALL_BYTES ? deflateRawSync(bytes) : promisify(deflateRaw)(bytes);
const inflated = async (bytes: Uint8Array): Promise<Buffer> =>
  bytes.length <= SMALL_BYTES / 4 ? inflateRawSync(bytes) : promisify(inflateRaw)(bytes);

/** More than this of a request goes into items of its own. */
const MAX_INLINE_BYTES = 100_000;
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
  const { id, threadId, metadata, startAt, ...rest } = run;
  const text = JSON.stringify(run.request);
  const bytes = await deflated(Buffer.from(text));
  const parts: Item[] = [];
  const requestExpiresAt = Math.ceil((startAt + PARTS_TTL_MS) / 1000);
  if (bytes.length > MAX_INLINE_BYTES)
    for (let from = 0; from < bytes.length; from += PART_BYTES)
      parts.push({
        ...partKey(threadId, id, parts.length),
        data: bytes.subarray(from, from + PART_BYTES),
        expiresAt: requestExpiresAt,
      });
  const item = {
    ...runKey(threadId, id),
    ...{ id, threadId, startAt, admission, ...rest },
    ...{ status: "pending", updatedAt: run.createdAt },
    metadata: JSON.stringify(metadata),
    ...(parts.length > 0 ? { request: parts.length, requestExpiresAt } : { request: bytes }),
    ipk: UNFINISHED,
    isk: `${sortable(startAt)}#${threadId}#${id}`,
  };
  return { parts, item, request: JSON.parse(text) as Record<string, unknown> };
}

/** Where a run is to be found and when it may begin, by its keys, which nothing else of it can damage. */
export function whereabouts({ pk, sk, isk, createdAt }: Item): Unfinished {
  const startAt = Number.parseInt(String(isk), 10) || 0;
  const isDelayed = typeof createdAt === "number" && startAt > createdAt;
  return { threadId: pk.slice(THREAD.length), runId: sk.slice(RUNS.length), startAt, isDelayed };
}

/** A run as its thread has it, which knows first what becomes of the run. */
export function asInThread(run: Run, { line, ended }: Pick<Turns, "line" | "ended">): Run | undefined {
  const place = line.find(({ runId }) => runId === run.id);
  if (place) {
    const { attempt, yields, cancel } = place;
    return {
      ...run,
      attempt,
      yields,
      ...(cancel && { cancel }),
      ...(!isFinal(run.status) && attempt > 0 && { status: "running" }),
    };
  }
  const ending = ended.find(({ runId }) => runId === run.id);
  if (!ending) return run;
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
    attempt: item.attempt === undefined ? 0 : fields.count("attempt"),
    yields: item.yields === undefined ? 0 : fields.count("yields"),
    ...(item.lastEvent !== undefined && { lastEvent: Number(item.lastEvent) }),
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
