/** Stored segments: immutable items, written before the head that refers to them, and kept in memory once read. */
import { LRUCache } from "lru-cache";
import type { Item, Key, Table } from "../../dynamo/index.ts";
import { forEach } from "../../parallel.ts";
import type { Codec } from "../bytes/codec.ts";
import { compact, memoryOf } from "../bytes/memory.ts";
import { corrupt } from "../corrupt.ts";
import type { NewSegment } from "../piece-table/channel-writer.ts";
import type { StoredSegment } from "../piece-table/slices.ts";
import { type Expiry, kept } from "./expiry.ts";
import { ordinalOf, partition, segmentKey, seriesOf } from "./keys.ts";
import type { Objects } from "./objects.ts";

/** Memory that an entry of the cache takes besides its bytes, about. */
const ENTRY_BYTES = 400;

/** Segments that are decoded at once. */
const AT_ONCE = 32;

export interface LoadedSegment {
  segment: StoredSegment;
  bytes: Buffer;
}

export interface SegmentsOptions {
  table: Table;
  codec: Codec;
  objects: Objects;
  /** The number of bytes of segments, read or written, that are kept in memory at most. */
  cacheBytes: number;
}

export class Segments {
  private readonly table: Table;
  private readonly codec: Codec;
  private readonly objects: Objects;
  private readonly cache: LRUCache<string, LoadedSegment>;

  constructor({ table, codec, objects, cacheBytes }: SegmentsOptions) {
    this.table = table;
    this.codec = codec;
    this.objects = objects;
    this.cache = new LRUCache({ maxSize: cacheBytes, sizeCalculation: ({ bytes }) => memoryOf([bytes]) + ENTRY_BYTES });
  }

  /**
   * Stores them; those whose ordinal is taken, by a fork of the same series or a call that was cut short, start another series,
   * which the segments say from then on.
   */
  async write(threadId: string, segments: NewSegment[], expiry: Expiry, newSeries: () => string): Promise<void> {
    let other: string | undefined;
    let ordinal = 0;
    await Promise.all(
      segments.map(async ({ segment, bytes }) => {
        while (!(await this.putOne(segmentKey(threadId, segment), bytes, expiry))) {
          other ??= newSeries();
          Object.assign(segment, { series: other, ordinal: ordinal++ });
        }
        // A copy: these are a part of a whole value, which they would keep in memory.
        this.cache.set(this.cacheKey(threadId, segment), { segment, bytes: compact(bytes) });
      }),
    );
  }

  /** False when the key is taken by other bytes, or by ones that go too soon. A request may have been sent twice. */
  private async putOne(key: Key, bytes: Buffer, expiry: Expiry): Promise<boolean> {
    const d = await this.codec.encode(bytes, key);
    const o = await this.objects.put(key, d, expiry);
    const { expiresAt } = kept(expiry);
    const item = { ...key, ...(o === undefined ? { d } : { o }), ...kept(expiry) };
    if (await this.table.putNew(item)) return true;
    const there = await this.table.get(item);
    const isSame = o === undefined ? there?.d instanceof Uint8Array && d.equals(there.d as Uint8Array) : there?.o === o;
    const lastsAsLong = there?.expiresAt === undefined || Number(there.expiresAt) >= (expiresAt ?? Infinity);
    if (isSame && lastsAsLong) return true;
    if (o !== undefined && !isSame) await this.objects.forget(o);
    return false;
  }

  /** Reads the segments of the ranges, by `series#ordinal`. Each span that is not wholly in memory takes one query. */
  async read(threadId: string, ranges: Range[]): Promise<Map<string, LoadedSegment>> {
    const found = new Map<string, LoadedSegment>();
    await Promise.all(
      spans(ranges).map(async ({ series, first, last }) => {
        const wanted = Array.from({ length: last - first + 1 }, (_, i) => ({ series, ordinal: first + i }));
        const cached = wanted.map((one) => this.cache.get(this.cacheKey(threadId, one)));
        if (cached.every((one) => one !== undefined)) {
          for (const one of cached) found.set(nameOf(one.segment), one);
          return;
        }
        const range = {
          pk: partition(threadId),
          from: segmentKey(threadId, { series, ordinal: first }).sk,
          to: segmentKey(threadId, { series, ordinal: last }).sk,
        };
        await forEach(this.table.query(range), AT_ONCE, async (item) => {
          const loaded = await this.decode(threadId, item);
          found.set(nameOf(loaded.segment), loaded);
          this.cache.set(this.cacheKey(threadId, loaded.segment), loaded);
        });
      }),
    );
    return found;
  }

  private async decode(threadId: string, item: Item): Promise<LoadedSegment> {
    const { d, o } = item;
    const bytes = await this.codec.decode(typeof o === "string" ? await this.objects.get(o) : d, item);
    if (!bytes) throw corrupt(`segment ${item.sk} of thread ${threadId}`);
    return { segment: { series: seriesOf(item.sk), ordinal: ordinalOf(item.sk), size: bytes.length }, bytes };
  }

  private cacheKey(threadId: string, segment: { series: string; ordinal: number }): string {
    return JSON.stringify([threadId, segment.series, segment.ordinal]);
  }
}

export const nameOf = ({ series, ordinal }: { series: string; ordinal: number }): string => `${series}#${ordinal}`;

interface Range {
  series: string;
  first: number;
  last: number;
}

/** The length of a gap, in segments that are not wanted, from which on another query is cheaper than reading them along. */
const GAP = 3;
/** The most queries of one series: they are sent at once, and each takes a request. */
const MAX_SPANS = 8;

/**
 * Merges the ranges of each series into few: segments that nothing refers to any more are passed over where there are many between two
 * that are wanted. Otherwise a value that is edited again and again would read all that it ever was.
 */
function spans(ranges: Range[]): Range[] {
  const bySeries = new Map<string, Range[]>();
  for (const range of ranges) bySeries.set(range.series, [...(bySeries.get(range.series) ?? []), range]);
  return [...bySeries.values()].flatMap((own) => {
    const sorted = own.toSorted((a, b) => a.first - b.first);
    let end = sorted[0]?.last ?? 0;
    const gaps = sorted.slice(1).map(({ first, last }) => {
      const gap = { before: first, length: first - end - 1 };
      end = Math.max(end, last);
      return gap;
    });
    const cuts = gaps
      .filter(({ length }) => length > GAP)
      .sort((a, b) => b.length - a.length)
      .slice(0, MAX_SPANS - 1);
    const found: Range[] = [];
    for (const range of sorted) {
      const open = found.at(-1);
      if (open && !cuts.some(({ before }) => before === range.first)) open.last = Math.max(open.last, range.last);
      else found.push({ ...range });
    }
    return found;
  });
}
