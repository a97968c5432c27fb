/** Reports the storage that a thread takes up, to explain its cost. Reads the thread once. */
import type { Item, Table } from "../../dynamo/index.ts";
import type { Incarnation } from "../../incarnation.ts";
import type { Codec } from "../bytes/codec.ts";
import { unlessCorrupt } from "../corrupt.ts";
import type { StoredHead } from "../items/head.ts";
import { toEntry } from "../items/head-reader.ts";
import type { Heads } from "../items/heads.ts";
import { type CheckpointRef, partition } from "../items/keys.ts";
import { isAbove, positionOf } from "../items/order.ts";
import type { Extent } from "../piece-table/extents.ts";
import type { Seen } from "./seen.ts";

export interface ThreadReport {
  /** Items by what they hold, and their sizes as DynamoDB counts them, in bytes. */
  kinds: Record<"heads" | "segments" | "writes" | "blobs", { items: number; bytes: number }>;
  /** Epoch seconds at which the first of its items expires; undefined when none does. */
  oldestExpiry?: number | undefined;
  /** The channels of the newest checkpoint of each namespace. */
  channels: {
    namespace: string;
    name: string;
    /** The number of extents that its value is read from. */
    extents: number;
    /** The number of stored segments that its value refers to. */
    segments: number;
    /** The number of heads back that its value reaches. */
    reach: number;
  }[];
  /** By id, those of a namespace together, with the bytes of each one's head. */
  checkpoints: { namespace: string; id: string; bytes: number }[];
  /** The newest checkpoint of each namespace that readers of the thread's incarnation see, with the bytes of its head. */
  newest: { namespace: string; id: string; bytes: number }[];
  /** Ids of checkpoints whose heads are damaged, and of the newest ones whose keyframes are. */
  damaged: string[];
  /** True when there is more than was read. */
  isPart: boolean;
}

interface Stores {
  table: Table;
  codec: Codec;
  heads: Heads;
  seen: Seen;
}

export interface Inspection {
  /** Where to stop reading. */
  mostBytes: number;
  /** The thread as its record has it: what another incarnation or a run that was rolled back has left is stored, and never the newest. */
  incarnation: Incarnation;
}

interface Candidate {
  ref: CheckpointRef;
  head: StoredHead;
  position: string;
  bytes: number;
}

const KINDS = { head: "heads", segment: "segments", writes: "writes", blob: "blobs" } as const;

export async function inspectThread(
  { table, codec, heads, seen }: Stores,
  threadId: string,
  { mostBytes, incarnation }: Inspection,
): Promise<ThreadReport> {
  const empty = () => ({ items: 0, bytes: 0 });
  const report: ThreadReport = {
    kinds: { heads: empty(), segments: empty(), writes: empty(), blobs: empty() },
    channels: [],
    checkpoints: [],
    newest: [],
    damaged: [],
    isPart: false,
  };
  const candidates = new Map<string, Candidate[]>();
  let read = 0;
  for await (const item of table.query({ pk: partition(threadId), withExpired: true })) {
    const kind = KINDS[item.sk.split("#")[0] as keyof typeof KINDS];
    if (!kind) continue;
    const bytes = sizeOf(item);
    read += bytes;
    report.isPart = read > mostBytes;
    if (report.isPart) break;
    report.kinds[kind].items += 1;
    report.kinds[kind].bytes += bytes;
    if (typeof item.expiresAt === "number")
      report.oldestExpiry = Math.min(report.oldestExpiry ?? item.expiresAt, item.expiresAt);
    if (kind !== "heads") continue;
    const { ref, head, isPointer } = await toEntry(item, codec);
    if (isPointer) continue;
    const { namespace, checkpointId } = ref;
    report.checkpoints.push({ namespace, id: checkpointId, bytes });
    if (!head) report.damaged.push(checkpointId);
    const position = head && positionOf(checkpointId, head.shift);
    if (!head || !position) continue;
    const known = candidates.get(namespace) ?? [];
    if (known.push({ ref, head, position, bytes }) === 1) candidates.set(namespace, known);
  }
  for (const [namespace, known] of candidates) {
    const newest = await newestOf(known, seen, incarnation);
    if (!newest) continue;
    const { ref, head, bytes } = newest;
    report.newest.push({ namespace, id: head.checkpointId, bytes });
    const whole = await heads.whole(ref, head, new Map()).catch(unlessCorrupt);
    // Its keyframe is damaged or gone.
    if (!whole) report.damaged.push(head.checkpointId);
    for (const [name, { extents }] of whole?.contents.channels ?? [])
      report.channels.push({ namespace, name, extents: extents.length, ...reachAndSegments(extents) });
  }
  return report;
}

async function newestOf(known: Candidate[], seen: Seen, incarnation: Incarnation): Promise<Candidate | undefined> {
  const sorted = known.toSorted((a, b) => (isAbove(a.position, b.position) ? -1 : 1));
  for (const one of sorted) if (await seen.isOfIncarnation(one, incarnation)) return one;
  return undefined;
}

function reachAndSegments(extents: Extent[]): { segments: number; reach: number } {
  let [segments, reach] = [0, 0];
  for (const extent of extents) {
    if (extent[0] === 3) segments += extent[3] - extent[2] + 1;
    else if (extent[0] === 4) segments += 1;
    else if (extent[0] === 1 || extent[0] === 2) reach = Math.max(reach, extent[1]);
  }
  return { segments, reach };
}

/** Names and values in UTF-8, as in https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function sizeOf(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);
}

function valueSize(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.ceil(String(value).length / 2) + 1;
  if (Array.isArray(value)) return value.reduce((sum, one) => sum + 1 + valueSize(one), 3);
  if (value !== null && typeof value === "object")
    return Object.entries(value).reduce((sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + valueSize(one), 3);
  return 1;
}
