/**
 * Deletes what is not seen below a thread's floor: heads, pending writes and segments of checkpoints that are not its latest state. It deletes nothing
 * that a checkpoint refers to which is seen, or which is put meanwhile:
 *
 * - What is put on a checkpoint refers to bytes that this one has or refers to, and to new ones. Under a floor, checkpoints are put on what is seen
 *   only: on the latest state, and on what follows it. So it is enough to keep what these refer to. A head in the memory of another
 *   process is none that is put on, once it is not seen (`DynamoDBSaver.put`).
 * - A series that is gone on with keeps the names of its segments, without their bytes: a put would give the name of a deleted one to other bytes, and a
 *   process that has the former ones in memory would read these.
 * - Only segments that a head names which is not seen are deleted: those of a put that is under way are named by none yet.
 * - A pending write that is a difference refers to what its checkpoint had when it was written: to more than the checkpoint does, once that was put
 *   again with other values.
 * - A delta channel is rebuilt from the writes along the ancestors of the latest state: these stay whole, back to the channel's last value.
 *
 * Heads go last: what is cut short finds the rest by them.
 */
import type { Key, Table } from "../../dynamo/index.ts";
import type { Incarnation } from "../../incarnation.ts";
import type { Codec } from "../bytes/codec.ts";
import { unlessCorrupt } from "../corrupt.ts";
import type { Chunked } from "../items/chunks.ts";
import type { Head, StoredHead } from "../items/head.ts";
import { type HeadCache, toEntry } from "../items/head-reader.ts";
import type { Heads } from "../items/heads.ts";
import {
  blobPartsOf,
  type CheckpointRef,
  checkpointOf,
  HEADS,
  headKey,
  namespaceOf,
  partition,
  seriesOf,
  WRITES,
} from "../items/keys.ts";
import type { PendingWrites } from "../items/pending-writes.ts";
import type { Threads } from "../items/threads.ts";
import type { Values } from "../items/values.ts";
import { type Extent, reachOf } from "../piece-table/extents.ts";
import { deltaAncestors } from "./delta-ancestors.ts";
import { type Floors, isBelow } from "./floor.ts";
import { reachIn, segmentsIn, segmentsOf } from "./needs.ts";
import type { Seen } from "./seen.ts";

interface Stores {
  table: Table;
  codec: Codec;
  heads: Heads;
  seen: Seen;
  values: Values;
  floors: Floors;
  threads: Threads;
  pendingWrites: PendingWrites;
}

interface Stored {
  ref: CheckpointRef;
  head: StoredHead;
  /** Undefined when its keyframe cannot be read. */
  whole: Head | undefined;
  isSeen: boolean;
}

const NOTHING = Buffer.alloc(0);
const nameOf = (namespace: string, checkpointId: string) => JSON.stringify([namespace, checkpointId]);

/**
 * The floor of `incarnation` names its root. False when the latest state cannot be read: then nothing is deleted, so that what is there of the
 * others can be looked at. Idempotent; when it throws, call it again.
 */
export async function eraseOlder(stores: Stores, threadId: string, incarnation: Incarnation): Promise<boolean> {
  const { table, codec, heads, seen, values, floors, threads } = stores;
  const { floor } = incarnation;
  if (!floor) return true;
  const view = floors.view(threadId, incarnation);
  const all = new Map<string, Stored>();
  const pointers: { key: Key; name: string }[] = [];
  for await (const item of table.query({ pk: partition(threadId), prefix: HEADS })) {
    const { ref, head, isPointer } = await toEntry(item, codec);
    const name = nameOf(ref.namespace, ref.checkpointId);
    if (isPointer) pointers.push({ key: { pk: item.pk, sk: item.sk }, name });
    else if (head) all.set(name, { ref, head, whole: undefined, isSeen: false });
  }
  const caches = new Map<string, HeadCache>();
  for (const { ref, head } of all.values()) {
    const cache: HeadCache = caches.get(ref.namespace) ?? new Map();
    caches.set(ref.namespace, cache.set(ref.checkpointId, { head }));
  }
  for (const one of all.values()) {
    const cache = caches.get(one.ref.namespace) ?? new Map();
    one.whole = await heads.whole(one.ref, one.head, cache).catch(unlessCorrupt);
  }
  for (const one of all.values()) one.isSeen = (await seen.isVisible(one, incarnation)) && (await view.admits(one));
  const isLow = ({ head }: Stored) => isBelow(head, floor) && head.incarnation === incarnation.id;
  const latest = [...all.values()].filter((one) => one.isSeen && isLow(one));
  for (const { ref, head } of latest) {
    if (!(await heads.load(ref, head, new Map()).catch(unlessCorrupt))) return false;
    // The index finds a thread by heads that refer to no other, and those are deleted below: see `Threads.indexKey`.
    await threads.index(headKey(ref));
  }
  const whole = new Set([...all.values()].filter((one) => one.isSeen || !isLow(one)));
  for (const one of latest) {
    const parentOf = (id: string) => all.get(nameOf(one.ref.namespace, id));
    for (const ancestor of await deltaAncestors(values, one, parentOf)) whole.add(ancestor);
  }
  const [needed, segments] = [new Set<Stored>(whole), new Set<string>()];
  for (const one of whole) {
    // Nobody can tell what it refers to.
    if (!one.whole) return false;
    for (const sk of segmentsOf(one.whole)) segments.add(sk);
    for (const ancestor of ancestorsOf(one, all, reachIn(one.whole))) needed.add(ancestor);
  }
  const writes = await readWrites(stores, threadId, { all, whole });
  for (const { one, extents } of writes.needs) {
    for (const sk of segmentsIn(extents)) segments.add(sk);
    for (const ancestor of ancestorsOf(one, all, reachOf(extents))) needed.add(ancestor);
  }
  const unseen = [...all].filter(([, one]) => !whole.has(one));
  await threads.erase(writes.parts);
  await table.deleteAll(writes.unseen);
  const named = unseen.flatMap(([, one]) => (one.whole ? segmentsOf(one.whole) : []));
  const unused = new Set(named.filter((sk) => !segments.has(sk)));
  await eraseSegments(stores, threadId, { unused: [...unused], series: new Set([...segments].map(seriesOf)) });
  const gone = unseen.filter(([, one]) => !needed.has(one));
  const goneNames = new Set(gone.map(([name]) => name));
  await table.deleteAll(pointers.filter(({ name }) => goneNames.has(name)).map(({ key }) => key));
  await table.deleteAll(gone.map(([, { ref }]) => headKey(ref)));
  return true;
}

/** `series`: those that are gone on with, whose segments are emptied in place. */
async function eraseSegments(
  { table, codec, threads }: Stores,
  threadId: string,
  { unused, series }: { unused: string[]; series: Set<string> },
): Promise<void> {
  const items = await threads.named(unused.map((sk) => ({ pk: partition(threadId), sk })));
  await threads.erase(items.filter(({ sk }) => !series.has(seriesOf(sk))));
  const held = items.filter(({ sk }) => series.has(seriesOf(sk)));
  await threads.eraseObjects(held);
  await table.putAll(
    await Promise.all(held.map(async ({ pk, sk }) => ({ pk, sk, d: await codec.encode(NOTHING, { pk, sk }) }))),
  );
}

function ancestorsOf({ ref, head }: Stored, all: Map<string, Stored>, count: number): Stored[] {
  const found: Stored[] = [];
  for (let at: StoredHead | undefined = head; at && found.length < count; at = found.at(-1)?.head) {
    const one = all.get(nameOf(ref.namespace, at.base ?? at.parent ?? ""));
    if (!one) break;
    found.push(one);
  }
  return found;
}

interface Writes {
  /** The places that writes beside a checkpoint that stays refer to. */
  needs: { one: Stored; extents: Extent[] }[];
  /** Writes beside checkpoints that do not stay, and the parts of large ones among them. */
  unseen: Key[];
  parts: Key[];
}

/** Reads the pending writes beside the checkpoints of a thread, of which those in `whole` stay. */
async function readWrites(
  { table, pendingWrites }: Stores,
  threadId: string,
  { all, whole }: { all: Map<string, Stored>; whole: Set<Stored> },
): Promise<Writes> {
  const found: Writes = { needs: [], unseen: [], parts: [] };
  for await (const item of table.query({ pk: partition(threadId), prefix: WRITES })) {
    const { pk, sk, ...fields } = item;
    const one = all.get(nameOf(namespaceOf(sk), checkpointOf(sk)));
    if (!one) continue;
    if (whole.has(one)) {
      found.needs.push({ one, extents: await pendingWrites.extentsOf(one.ref, item) });
      continue;
    }
    found.unseen.push({ pk, sk });
    const blobs = Object.values(fields).map(
      (value) => (Array.isArray(value) ? value[2] : value) as Chunked | undefined,
    );
    for (const blob of blobs)
      if (blob && !(blob instanceof Uint8Array) && typeof blob === "object" && typeof blob.id === "string")
        for await (const part of table.query({ pk, prefix: blobPartsOf(blob.id) })) found.parts.push(part);
  }
  return found;
}
