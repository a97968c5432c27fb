/**
 * Copies a thread item by item: what is stored is moved to its new place as it is, sealed for that place where there is encryption,
 * and no value is put together. So a copy costs as many requests as its items fill batches of 25.
 *
 * Referred items are read after those that refer to them, since they were written before: a copy of a thread that a run is writing to is the
 * thread as it was at some moment, and whole. A checkpoint that cannot be read, or that refers to what cannot, is left out.
 * In the copy everything is written in the other order, and the checkpoints last, the oldest first.
 */
import type { Item } from "../../dynamo/index.ts";
import type { Incarnation } from "../../incarnation.ts";
import { unlessCorrupt } from "../corrupt.ts";
import { kept } from "../items/expiry.ts";
import { encodeHead, type Head, type StoredHead } from "../items/head.ts";
import { type HeadCache, pointerTo } from "../items/head-reader.ts";
import type { Heads } from "../items/heads.ts";
import { type CheckpointRef, checkpointOf, headKey, namespaceOf, partition, SEGMENTS, WRITES } from "../items/keys.ts";
import type { Objects } from "../items/objects.ts";
import type { Threads } from "../items/threads.ts";
import type { Values } from "../items/values.ts";
import { copyWrites, PUT_AT_ONCE, type WritesCopying } from "./copy-writes.ts";
import { deltaAncestors } from "./delta-ancestors.ts";
import { type Floors, isBelow } from "./floor.ts";
import { reachIn, segmentsOf } from "./needs.ts";
import type { Seen } from "./seen.ts";

export interface Copying extends WritesCopying {
  seen: Seen;
  floors: Floors;
  values: Values;
  /** Where large segments are, if not in the table. */
  objects: Objects;
  threads: Threads;
  /** Epoch milliseconds. */
  now: number;
}

/** A thread in one of its incarnations. */
export interface ThreadEnd {
  threadId: string;
  incarnation: Incarnation;
  /** Resolves to true when the thread was deleted meanwhile, as far as the saver knows. */
  isOver: () => Promise<boolean>;
}

interface Source {
  ref: CheckpointRef;
  head: StoredHead;
}

/** A checkpoint with what it refers to, as far as that can be told. */
interface Placed extends Source {
  /** Undefined without its keyframe. Others may need the bytes that it brings along: below a floor it is kept for those alone. */
  whole: Head | undefined;
  /** Sort keys of segments. */
  segments: string[];
  /** The number of heads back that it needs. */
  reach: number;
}

/** The number of objects that are copied at once. */
const OBJECTS_AT_ONCE = 8;

/** Returns how many checkpoints the copy has. Throws what the stores throw: some of the copy may then be there. */
export async function copyThread(copying: Copying, source: ThreadEnd, target: ThreadEnd): Promise<number> {
  const { table, heads, seen, floors } = copying;
  const [from, to] = [source.threadId, target.threadId];
  const found: Source[] = [];
  const view = floors.view(from, source.incarnation);
  for await (const { ref, head } of heads.byId(from)) {
    if (!head || !(await seen.isOfIncarnation({ ref, head }, { ...source.incarnation, undone: [] }))) continue;
    const isUndone =
      !(await seen.isOfIncarnation({ ref, head }, source.incarnation)) || !(await view.admits({ ref, head }));
    found.push({ ref, head: isUndone ? { ...head, expiresAt: 0 } : head });
  }
  const writes: Item[] = [];
  for await (const item of table.query({ pk: partition(from), prefix: WRITES })) writes.push(item);
  const placed = await placedOnes(heads, found);
  const segments = await copySegments(copying, from, to, new Set(placed.flatMap((one) => one.segments)));
  // Some of what was read was being deleted.
  if (await source.isOver()) return 0;
  const whole = wholeOnes(placed, segments, copying.now, await rebuiltFrom(copying, placed, source.incarnation));
  const named = new Set(whole.map(({ ref }) => nameOf(ref.namespace, ref.checkpointId)));
  await copyWrites(
    copying,
    to,
    writes.filter(({ sk }) => named.has(nameOf(namespaceOf(sk), checkpointOf(sk)))),
  );
  await copyHeads(copying, to, whole, { named, incarnation: target.incarnation.id });
  return whole.filter(({ head }) => !isOver(head, copying.now)).length;
}

const isOver = ({ expiresAt }: StoredHead, now: number): boolean => expiresAt !== undefined && expiresAt * 1000 <= now;

const nameOf = (namespace: string, checkpointId: string) => JSON.stringify([namespace, checkpointId]);

/** Returns the sources with what they refer to. */
async function placedOnes(heads: Heads, sources: Source[]): Promise<Placed[]> {
  const cache = new Map<string, HeadCache>();
  for (const { ref, head } of sources) {
    const own: HeadCache = cache.get(ref.namespace) ?? new Map();
    cache.set(ref.namespace, own.set(ref.checkpointId, { head }));
  }
  const placed: Placed[] = [];
  for (const { ref, head } of sources) {
    const whole = await heads.whole(ref, head, cache.get(ref.namespace) ?? new Map()).catch(unlessCorrupt);
    placed.push({ ref, head, whole, segments: whole ? segmentsOf(whole) : [], reach: whole ? reachIn(whole) : 0 });
  }
  return placed;
}

/** The sort keys of those segments that are in the copy now. */
async function copySegments(
  { table, codec, objects, expiry }: Copying,
  from: string,
  to: string,
  wanted: Set<string>,
): Promise<Set<string>> {
  const copied = new Set<string>();
  let waiting: Item[] = [];
  const flush = async () => {
    const moved: Item[] = [];
    for (let at = 0; at < waiting.length; at += OBJECTS_AT_ONCE)
      for (const item of await Promise.all(waiting.slice(at, at + OBJECTS_AT_ONCE).map(move)))
        if (item) moved.push(item);
    waiting = [];
    await table.putAll(moved);
    for (const { sk } of moved) copied.add(sk);
  };
  if (wanted.size > 0)
    for await (const item of table.query({ pk: partition(from), prefix: SEGMENTS }))
      if (wanted.has(item.sk) && waiting.push(item) === PUT_AT_ONCE) await flush();
  await flush();
  return copied;

  async function move({ d, o, ...source }: Item): Promise<Item | undefined> {
    const key = { pk: partition(to), sk: source.sk };
    const stored = typeof o === "string" ? await objects.get(o) : d;
    const coded = await codec.recode(stored, source, key);
    if (!coded) return undefined;
    const name = await objects.put(key, coded, expiry);
    return { ...key, ...(name === undefined ? { d: coded } : { o: name }), ...kept(expiry) };
  }
}

/** Checkpoints that are not seen below a floor, and that delta channels of the latest state are rebuilt from. */
async function rebuiltFrom({ values, now }: Copying, all: Placed[], { floor }: Incarnation): Promise<Set<Placed>> {
  const found = new Set<Placed>();
  if (!floor) return found;
  const byName = new Map(all.map((one) => [nameOf(one.ref.namespace, one.ref.checkpointId), one]));
  for (const one of all.filter(({ head }) => !isOver(head, now) && isBelow(head, floor)))
    for (const ancestor of await deltaAncestors(values, one, (id) => byName.get(nameOf(one.ref.namespace, id))))
      found.add(ancestor);
  return found;
}

/**
 * The checkpoints that have all that they refer to: segments, and ancestors as far back as they reach. Such an ancestor comes along
 * where it is absent, and where it lacks something itself, its keyframe for one: it is over, and there for those that need its bytes.
 */
function wholeOnes(sources: Placed[], segments: Set<string>, now: number, along: Set<Placed>): Source[] {
  const byName = new Map(sources.map((one) => [nameOf(one.ref.namespace, one.ref.checkpointId), one]));
  const needed = new Set<Placed>();
  const whole = sources.filter((source) => {
    const { ref, head, reach } = source;
    if (!source.whole || (isOver(head, now) && !along.has(source))) return false;
    if (!source.segments.every((sk) => segments.has(sk))) return false;
    const ancestors: Placed[] = [];
    let at = head;
    for (let left = reach; left > 0; left--) {
      const parent = byName.get(nameOf(ref.namespace, at.base ?? at.parent ?? ""));
      if (parent?.head.depth !== at.depth - 1) return false;
      ancestors.push(parent);
      at = parent.head;
    }
    for (const one of ancestors) needed.add(one);
    if (isOver(head, now)) needed.add(source);
    return !isOver(head, now);
  });
  for (const one of whole) needed.delete(one);
  const over = Math.floor(now / 1000);
  return [...whole, ...[...needed].map(({ ref, head }) => ({ ref, head: { ...head, expiresAt: over } }))];
}

async function copyHeads(
  { table, codec, values, threads, expiry, now }: Copying,
  to: string,
  sources: Source[],
  { named, incarnation }: { named: Set<string>; incarnation: string | undefined },
): Promise<void> {
  const oldestFirst = sources.toSorted((a, b) => a.head.depth - b.head.depth);
  for (let at = 0; at < oldestFirst.length; at += PUT_AT_ONCE)
    await table.putAll((await Promise.all(oldestFirst.slice(at, at + PUT_AT_ONCE).map(move))).flat());

  /** The head, behind the pointer to it, if it has one. The copy has had no lease. */
  async function move({ ref, head }: Source): Promise<Item[]> {
    const key = headKey({ ...ref, threadId: to });
    const { incarnation: _, expiresAt, sourcesUntil: __, fence: ___, ...rest } = head;
    // A head that is absent to readers, and kept for what refers to it, is so in the copy.
    const until = isOver(head, now) ? expiresAt : expiry.expiresAt;
    const encoded = encodeHead({
      ...rest,
      incarnation,
      expiresAt: until,
      sourcesUntil: expiry.keptUntil,
      metadata: await values.renamed(ref, head, to),
    });
    const isFirst = head.parent === undefined || !named.has(nameOf(ref.namespace, head.parent));
    const pointer = head.shift && (await pointerTo({ ...ref, threadId: to }, head.shift, undefined, codec));
    const item = {
      ...key,
      d: await codec.encode(encoded, key),
      ...kept(expiry),
      ...(isFirst && threads.indexKey(key)),
    };
    return pointer ? [{ ...pointer, ...kept(expiry) }, item] : [item];
  }
}
