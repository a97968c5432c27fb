/** Reads heads, and puts together what they and the segments hold: the state of a checkpoint. */

import { crc32 } from "node:zlib";
import { LRUCache } from "lru-cache";
import type { Incarnation } from "../../incarnation.ts";
import { corrupt } from "../corrupt.ts";
import { lruOf } from "../lru.ts";
import { MAX_REACH } from "../piece-table/channel-writer.ts";
import { differenceOf, NEW, parseDifference } from "../piece-table/difference.ts";
import { type Extent, type HeadChannel, isSmall, reachOf, storedRanges } from "../piece-table/extents.ts";
import type { Ancestor, Plan, State } from "../piece-table/plan.ts";
import type { Channel } from "../piece-table/slices.ts";
import { resolve } from "./contents.ts";
import { byFence, chain, noted, only } from "./entries.ts";
import { type Head, isDifference, keyframeText, type StoredHead } from "./head.ts";
import type { Candidate, Entry, EntryRange, HeadCache, HeadReader } from "./head-reader.ts";
import { type CheckpointRef, whatOf } from "./keys.ts";
import { compactAll, LARGE_BYTES, type Loaded, sizeOf } from "./loaded.ts";
import { higher, isAbove, positionOf } from "./order.ts";
import type { Segments } from "./segments.ts";
import { readFromMemory, Sources } from "./sources.ts";

export class Heads {
  private readonly reader: HeadReader;
  private readonly segments: Segments;
  private readonly checkpoints: LRUCache<string, Loaded>;
  /** The newest checkpoint of a namespace, as far as this process has seen. */
  private readonly newest = lruOf<{ position: string; checkpointId: string }>(10_000);
  /** The highest position of a namespace, by the lease under which it was read or put at. */
  private readonly tops = lruOf<string>(10_000);

  /** `cacheBytes`: how much of what was read or put is kept in memory. */
  constructor(reader: HeadReader, segments: Segments, cacheBytes: number) {
    this.reader = reader;
    this.segments = segments;
    this.checkpoints = new LRUCache({ maxSize: cacheBytes, sizeCalculation: sizeOf });
  }

  /** The heads of a thread or of one of its namespaces, those with the greatest ids first, with those that are absent to readers. */
  byId(threadId: string, namespace?: string): AsyncGenerator<Candidate> {
    return this.reader.byId({ threadId, namespace });
  }

  /** Heads in their order, newest first. All that was read so far is in `cache`, by namespace. */
  newestFirst(range: EntryRange, cache: Map<string, HeadCache>): AsyncGenerator<Entry> {
    const cacheOf = (namespace: string) => {
      const known = cache.get(namespace) ?? new Map();
      cache.set(namespace, known);
      return known;
    };
    return this.inOrder(noted(this.reader.entries(range), cacheOf), cacheOf);
  }

  /** The heads that a config may mean, the newest first if it names none, with the first page in `cache`. */
  async candidates(
    of: CheckpointRef,
    incarnation: Incarnation | undefined,
    cache: HeadCache,
  ): Promise<AsyncIterable<Candidate>> {
    const { threadId, namespace, checkpointId } = of;
    const pageSize = (checkpointId ? this.known(of) : this.knowsLatest(of)) ? 2 : MAX_REACH + 1;
    const upTo = checkpointId ? positionOf(checkpointId) : undefined;
    const entries = noted(this.reader.entries({ threadId, namespace, upTo, pageSize }), () => cache);
    const page: Entry[] = [];
    while (page.length < pageSize) {
      const next = await entries.next();
      if (next.done) break;
      page.push(next.value);
    }
    if (checkpointId) return only(page[0], checkpointId);
    if (incarnation) this.noteTop(of, incarnation, page[0]?.position ?? "");
    return this.inOrder(chain(byFence(page), entries), () => cache);
  }

  private inOrder(entries: AsyncIterable<Entry>, cacheOf: (namespace: string) => HeadCache): AsyncGenerator<Entry> {
    return this.reader.inOrder(entries, cacheOf, (ref) => (this.known(ref) ? 1 : MAX_REACH + 1));
  }

  /** The highest position of a namespace, for the holder of a lease: nobody else puts there. Read once. */
  async topUnder(of: CheckpointRef, incarnation: Incarnation): Promise<string> {
    const known = this.tops.get(leaseKey(of, incarnation));
    if (known !== undefined) return known;
    const { value } = await this.reader.entries({ ...of, pageSize: 1 }).next();
    return this.noteTop(of, incarnation, value?.position ?? "");
  }

  /** Notes a position for the holder of a lease; an empty one where the namespace has nothing. */
  noteTop(of: CheckpointRef, incarnation: Incarnation, position: string): string {
    if (incarnation.fence === undefined) return position;
    const top = higher(this.tops.get(leaseKey(of, incarnation)), position) ?? position;
    this.tops.set(leaseKey(of, incarnation), top);
    return top;
  }

  /** True when the holder of a lease knows that the namespace has nothing, and has put nothing there since. */
  isEmptyUnder(of: CheckpointRef, incarnation: Incarnation): boolean {
    return incarnation.fence !== undefined && this.tops.get(leaseKey(of, incarnation)) === "";
  }

  /** The state of a checkpoint that is known by its id; undefined when there is none. */
  async find(ref: CheckpointRef): Promise<Loaded | undefined> {
    const known = this.known(ref);
    if (known) return known;
    const cache: HeadCache = new Map();
    await this.gather(ref, cache);
    const own = cache.get(ref.checkpointId);
    return own && this.load(ref, own.head, cache);
  }

  known(ref: CheckpointRef): Loaded | undefined {
    return this.checkpoints.get(refKey(ref));
  }

  /** A checkpoint in memory; where it is not, the newest of its namespace that is. */
  near(ref: CheckpointRef): Loaded | undefined {
    const newest = this.newest.get(namespaceKey(ref));
    return this.known(ref) ?? (newest && this.known({ ...ref, ...newest }));
  }

  /** True when the namespace's newest checkpoint, as far as this process has seen, is in memory. */
  private knowsLatest(of: CheckpointRef): boolean {
    const newest = this.newest.get(namespaceKey(of));
    return newest !== undefined && this.known({ ...of, ...newest }) !== undefined;
  }

  /** Keeps a checkpoint that was put, as `keep` does, with `incarnation` of the config that it was put with. */
  keepPut(loaded: Loaded, incarnation: Incarnation | undefined): void {
    this.keep(loaded);
    const { ref, head } = loaded;
    // A large parent has been superseded: forks of it are rare, and read it again.
    const parent = head.parent === undefined ? undefined : this.known({ ...ref, checkpointId: head.parent });
    if (parent && sizeOf(parent) > LARGE_BYTES) this.checkpoints.delete(refKey(parent.ref));
    if (incarnation) this.noteTop(ref, incarnation, positionOf(ref.checkpointId, head.shift));
  }

  private keep(loaded: Loaded): void {
    const { ref, head } = loaded;
    compactAll(loaded);
    this.checkpoints.set(refKey(ref), loaded);
    const position = positionOf(ref.checkpointId, head.shift);
    const newest = this.newest.get(namespaceKey(ref));
    if (!newest || isAbove(position, newest.position))
      this.newest.set(namespaceKey(ref), { position, checkpointId: ref.checkpointId });
  }

  forget(threadId: string): void {
    for (const key of this.checkpoints.keys())
      if (key.startsWith(`${JSON.stringify([threadId]).slice(0, -1)},`)) this.checkpoints.delete(key);
  }

  /** Puts a checkpoint together from its head, those in `cache`, and what is still to be read. */
  async load(ref: CheckpointRef, stored: StoredHead, cache: HeadCache): Promise<Loaded> {
    const known = this.known(ref);
    if (known?.head.fingerprint === stored.fingerprint) return known;
    const what = whatOf(ref);
    const head = await this.whole(ref, stored, cache);
    const places = head.contents.channels;
    const all = [...places.values()].flatMap((channel) => channel.extents);
    const sources = await this.sources(ref, head, cache, all);
    const channels = new Map<string, Channel>();
    const isPlain = ({ extents }: HeadChannel) => extents.every(([kind]) => kind !== 6);
    // Values that refer to others come after them.
    for (const [name, { type, extents, crc }] of [...places].sort(
      ([, one], [, other]) => Number(isPlain(other)) - Number(isPlain(one)),
    )) {
      const found = sources.read(extents, name, { values: channels });
      const actual = crc32(found.bytes);
      if (actual !== crc && !isSmall(extents)) throw corrupt(`${what}, channel ${name}`);
      channels.set(name, { type, ...found, crc: actual });
    }
    const ordered = new Map([...places.keys()].map((name) => [name, channels.get(name) as Channel]));
    const keptUntil = cache.get(ref.checkpointId)?.keptUntil;
    const path = [...sources.ancestors.values()].sort((a, b) => a.depth - b.depth).map(toAncestor);
    const loaded = { ref, head, state: toState(head, keptUntil, path, { channels: ordered }) };
    this.keep(loaded);
    return loaded;
  }

  /** A head with its contents, whose keyframe is in memory or in `cache`, or is read. Throws `store-corrupt` where it is not there. */
  async whole(ref: CheckpointRef, stored: StoredHead, cache: HeadCache): Promise<Head> {
    const { contents, depth } = stored;
    if (!isDifference(contents)) return { ...stored, contents };
    const of = { ...ref, checkpointId: contents.keyframe };
    const wholeBy = (keyframe: StoredHead | undefined): Head | undefined => {
      const text = keyframe && keyframeText(keyframe);
      const own = text && resolve(contents, text, depth);
      return own && { ...stored, contents: own, keyframe: { ...of, depth: keyframe.depth, text } };
    };
    const known = wholeBy(this.known(of)?.head);
    if (known) return known;
    if (!cache.has(contents.keyframe)) await this.gather(of, cache, 1);
    const read = wholeBy(cache.get(contents.keyframe)?.head);
    if (!read) throw corrupt(`${whatOf(ref)}: its keyframe, the head of checkpoint ${contents.keyframe}`);
    return read;
  }

  /** Reads all that extents of a head refer to. */
  private async sources(ref: CheckpointRef, head: StoredHead, cache: HeadCache, extents: Extent[]): Promise<Sources> {
    const what = whatOf(ref);
    const ranges = storedRanges(extents);
    const [ancestors, stored] = await Promise.all([
      this.ancestors(ref, head, cache, reachOf(extents), what),
      ranges.length > 0 ? this.segments.read(ref.threadId, ranges) : undefined,
    ]);
    return new Sources(head.depth, ancestors, stored ?? new Map(), what);
  }

  /**
   * The value of a pending write that was stored as a difference to its checkpoint. Undefined when it does not come out as it was, or
   * when the checkpoint is not there. Most often the checkpoint is in memory, and nothing is read.
   */
  async expand(ref: CheckpointRef, payload: Uint8Array): Promise<Buffer | undefined> {
    const difference = parseDifference(Buffer.from(payload));
    const loaded = difference && (await this.find(ref));
    if (!loaded) return undefined;
    const { crc, extents, fresh } = difference;
    const isWhole = (bytes: Buffer | undefined): bytes is Buffer => bytes !== undefined && crc32(bytes) === crc;
    const known = readFromMemory(loaded.state, difference);
    if (isWhole(known)) return known;
    // The checkpoint was put again, and does not refer to all of it any more.
    const sources = await this.sources(ref, loaded.head, new Map(), extents);
    const { bytes } = sources.read(extents, NEW, { fresh });
    return isWhole(bytes) ? bytes : undefined;
  }

  /** The difference of a pending write to its checkpoint, where that is in memory; undefined where it is stored whole. */
  differenceOf(ref: CheckpointRef, channel: string, bytes: Buffer): Buffer | undefined {
    const known = this.known(ref);
    // Writes of a channel that keeps no value whole are read long after their checkpoint, for its descendants.
    const isRead = channel.startsWith("__") || known?.state.channels.has(channel) || known?.valued?.has(channel);
    return known && isRead ? differenceOf(known.state, bytes) : undefined;
  }

  /** The head itself and those so many heads back, by depth. */
  private async ancestors(
    ref: CheckpointRef,
    head: StoredHead,
    cache: HeadCache,
    reach: number,
    what: string,
  ): Promise<Map<number, StoredHead>> {
    const found = new Map([[head.depth, head]]);
    // Heads of an earlier version reach further than a page. Most often the rest is one behind the other, without forks.
    let count: number | undefined;
    for (let at = head; head.depth - at.depth < reach; ) {
      const checkpointId = at.base ?? at.parent;
      if (checkpointId === undefined) throw corrupt(`${what}: it refers to more heads than there are`);
      if (!cache.has(checkpointId)) {
        count = count === undefined ? reach - (head.depth - at.depth) : 2 * count;
        await this.gather({ ...ref, checkpointId }, cache, count);
      }
      const parent = cache.get(checkpointId)?.head;
      if (!parent || parent.depth !== at.depth - 1) throw corrupt(`${what}: the head of checkpoint ${checkpointId}`);
      found.set(parent.depth, parent);
      at = parent;
    }
    return found;
  }

  /** Reads the head, and as many with smaller ids as it may refer to: most often those are its ancestors. */
  async gather(ref: CheckpointRef, cache: HeadCache, count = MAX_REACH + 1): Promise<void> {
    const own = await this.reader.gather(ref, cache, count);
    if (own && !own.head) throw corrupt(whatOf(ref));
  }
}

/** Returns the state that the children of a head are compared with. */
export function toState(
  { depth, incarnation, sourcesUntil }: Pick<Head, "depth" | "incarnation" | "sourcesUntil">,
  keptUntil: number | undefined,
  ancestors: Ancestor[],
  { channels, names, segments = [] }: Pick<Plan, "channels"> & Partial<Pick<Plan, "names" | "segments">>,
): State {
  return {
    depth,
    incarnation,
    keptUntil,
    sourcesUntil,
    ancestors,
    channels,
    names: names?.usedBy(
      channels.values(),
      segments.map(({ segment }) => segment),
    ),
  };
}

export function toAncestor({ depth, inline }: Pick<Head, "depth" | "inline">): Ancestor {
  return { depth, inline: new Map([...inline].map(([name, bytes]) => [name, bytes.length])) };
}

const namespaceKey = ({ threadId, namespace }: CheckpointRef) => JSON.stringify([threadId, namespace]);
const leaseKey = ({ threadId, namespace }: CheckpointRef, { id, fence }: Incarnation) =>
  JSON.stringify([threadId, namespace, id, fence]);
const refKey = ({ threadId, namespace, checkpointId }: CheckpointRef) =>
  JSON.stringify([threadId, namespace, checkpointId]);
