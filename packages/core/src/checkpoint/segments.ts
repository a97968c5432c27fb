/** Stored segments: immutable items, written before the head that refers to them, and kept in memory once read. */
import { LRUCache } from "lru-cache";
import type { Item, Table } from "../dynamo/index.ts";
import { decode, encode } from "./codec.ts";
import { corrupt } from "./corrupt.ts";
import { lineageOf, ordinalOf, partition, segmentKey } from "./keys.ts";
import type { NewSegment } from "./plan.ts";
import type { StoredSegment } from "./slices.ts";

interface LoadedSegment {
  segment: StoredSegment;
  bytes: Buffer;
}

export class Segments {
  private readonly table: Table;
  private readonly cache: LRUCache<string, LoadedSegment>;

  /** `cacheBytes`: how much of what was read or written is kept in memory. */
  constructor(table: Table, cacheBytes: number) {
    this.table = table;
    this.cache = new LRUCache({ maxSize: cacheBytes, sizeCalculation: ({ bytes }) => bytes.length + 200 });
  }

  /**
   * Stores them; one whose ordinal is taken, by a fork of the same lineage or a call that was cut short, starts a lineage
   * of its own, which the segment says from then on.
   */
  async write(
    threadId: string,
    segments: NewSegment[],
    expiry: { expiresAt?: number },
    newLineage: () => string,
  ): Promise<void> {
    await Promise.all(
      segments.map(async ({ segment, bytes }) => {
        const d = await encode(bytes);
        while (!(await this.putOne({ ...segmentKey(threadId, segment), d, ...expiry })))
          Object.assign(segment, { lineage: newLineage(), ordinal: 0 });
        this.cache.set(this.cacheKey(threadId, segment), { segment, bytes });
      }),
    );
  }

  /** False when the key is taken by other bytes, or by ones that go too soon. A request may have been sent twice. */
  private async putOne(item: Item & { d: Buffer; expiresAt?: number }): Promise<boolean> {
    if (await this.table.putNew(item)) return true;
    const there = await this.table.get(item);
    const isSame = there?.d instanceof Uint8Array && item.d.equals(there.d);
    const lastsAsLong = there?.expiresAt === undefined || Number(there.expiresAt) >= (item.expiresAt ?? Infinity);
    return isSame && lastsAsLong;
  }

  /** Those of the ranges, by `lineage#ordinal`. Each range that is not in memory is one query. */
  async read(
    threadId: string,
    ranges: { lineage: string; first: number; last: number }[],
  ): Promise<Map<string, LoadedSegment>> {
    const found = new Map<string, LoadedSegment>();
    await Promise.all(
      spans(ranges).map(async ({ lineage, first, last }) => {
        const wanted = Array.from({ length: last - first + 1 }, (_, i) => ({ lineage, ordinal: first + i }));
        const cached = wanted.map((one) => this.cache.get(this.cacheKey(threadId, one)));
        if (cached.every((one) => one !== undefined)) {
          for (const one of cached) found.set(nameOf(one.segment), one);
          return;
        }
        const range = {
          pk: partition(threadId),
          from: segmentKey(threadId, { lineage, ordinal: first }).sk,
          to: segmentKey(threadId, { lineage, ordinal: last }).sk,
        };
        for await (const { sk, d } of this.table.query(range)) {
          const bytes = d instanceof Uint8Array ? await decode(d) : undefined;
          if (!bytes) throw corrupt(`segment ${sk} of thread ${threadId}`);
          const segment = { lineage: lineageOf(sk), ordinal: ordinalOf(sk), size: bytes.length };
          const loaded = { segment, bytes };
          found.set(nameOf(segment), loaded);
          this.cache.set(this.cacheKey(threadId, segment), loaded);
        }
      }),
    );
    return found;
  }

  private cacheKey(threadId: string, segment: { lineage: string; ordinal: number }): string {
    return JSON.stringify([threadId, segment.lineage, segment.ordinal]);
  }
}

export const nameOf = ({ lineage, ordinal }: { lineage: string; ordinal: number }): string => `${lineage}#${ordinal}`;

/** One range a lineage, from the first to the last that is wanted. */
function spans(ranges: { lineage: string; first: number; last: number }[]): typeof ranges {
  const byLineage = new Map<string, { lineage: string; first: number; last: number }>();
  for (const { lineage, first, last } of ranges) {
    const known = byLineage.get(lineage);
    byLineage.set(lineage, {
      lineage,
      first: Math.min(first, known?.first ?? first),
      last: Math.max(last, known?.last ?? last),
    });
  }
  return [...byLineage.values()];
}
