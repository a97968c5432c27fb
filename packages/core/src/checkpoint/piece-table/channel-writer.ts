/**
 * Puts one channel's value together, from slices of what is there and from bytes that are new: how far it may reach, in how many pieces it
 * may be, and which of its bytes go into stored segments. Pure: no I/O.
 */
import { type InlineSize, toExtents } from "./extents.ts";
import type { SegmentNames } from "./segment-names.ts";
import {
  type Channel,
  type InlineSegment,
  isInline,
  isStored,
  join,
  type Slice,
  type StoredSegment,
  whole,
} from "./slices.ts";

export interface NewSegment {
  segment: StoredSegment;
  bytes: Buffer;
}

/**
 * A value may reach so many heads back. Then what it has in heads is moved into a stored segment: reading it again
 * takes the heads since then, in one query, and few stored segments.
 */
export const MAX_REACH = 17;
/** Less than this in heads is brought along anew, instead of making a segment. */
const SEGMENT_FROM_BYTES = 2048;
/** More new bytes of a channel than this go into segments at once. */
const MAX_INLINE_BYTES = 8192;
/** Random bytes of this length still fit into an item, 400 KB at most, when they cannot be deflated. */
const MAX_SEGMENT_BYTES = 256 * 1024;
const MAX_EXTENTS = 100;
/** A value of more slices than this is scattered: it is stored anew where that takes few units more. */
const SCATTERED_FROM = 16;
/** The share of a whole value's units that new segments of a scattered one may take. */
const NEW_SHARE = 0.6;
/** Segments that a value refers to have so many times its bytes at most, and its share of so many more that all values have together. */
const READ_SHARE = 1.2;
const READ_BYTES = 8192;
/** Bytes of a value that go into a write unit, deflated: about so many. */
const BYTES_OF_A_UNIT = 3 * 1024;
const unitsOf = (bytes: number) => 1 + Math.floor(bytes / BYTES_OF_A_UNIT);
/** The least number of neighbouring slices that are merged into one segment, when a value has too many extents. */
const LEAST_MERGED = 4;

/** The writer of one channel: a slice stands where its bytes are in the value. */
export class ChannelWriter {
  private readonly bytes: Buffer;
  private readonly depth: number;
  private readonly names: SegmentNames;
  private slices: Slice[] = [];
  /** Stands for the bytes that are not stored anywhere yet. */
  private readonly fresh: InlineSegment;
  private readonly series: string | undefined;
  private readonly segments: NewSegment[] = [];

  constructor(bytes: Buffer, depth: number, known: Channel | undefined, names: SegmentNames) {
    this.bytes = bytes;
    this.depth = depth;
    this.names = names;
    this.fresh = { depth, size: bytes.length };
    this.series = names.seriesOf(known);
  }

  get inlineSize(): number {
    return this.slices.reduce((sum, { segment, from, to }) => sum + (segment === this.fresh ? to - from : 0), 0);
  }

  keep(slices: Slice[]): void {
    this.slices = join(this.slices, slices);
  }

  add(from: number, to: number): void {
    this.slices.push({ segment: this.fresh, from, to });
  }

  /**
   * Keeps the slices few, and near; or makes the value one piece, where that is cheaper to write or much cheaper to read. `share` is the value's
   * part of the bytes of all values.
   */
  shorten(inlineSize: InlineSize, share: number): void {
    const isScattered = this.slices.length > SCATTERED_FROM;
    const reach = Math.max(
      0,
      ...this.slices.map(({ segment }) => (isInline(segment) ? this.depth - segment.depth : 0)),
    );
    // Bytes in heads go along with large new ones, so that the segments of a value that grows stay in one row.
    if (reach > MAX_REACH || this.inlineSize > MAX_INLINE_BYTES) this.consolidate();
    for (let merged = true; merged && toExtents(this.slices, this.depth, inlineSize).length > MAX_EXTENTS; )
      merged = this.merge();
    if (this.readBytes > READ_SHARE * this.bytes.length + READ_BYTES * share) this.rewrite();
    else if (isScattered && this.newUnits > NEW_SHARE * unitsOf(this.bytes.length)) this.rewrite();
  }

  /** The bytes of the stored segments that it refers to, with those of them that it has no use for. */
  private get readBytes(): number {
    const sizes = new Map(
      this.slices.flatMap(({ segment }) =>
        isStored(segment) ? [[`${segment.series} ${segment.ordinal}`, segment.size]] : [],
      ),
    );
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** About the write units of what is new. */
  private get newUnits(): number {
    const stored = this.segments.reduce((sum, { segment }) => sum + unitsOf(segment.size), 0);
    return stored + this.inlineSize / BYTES_OF_A_UNIT;
  }

  private rewrite(): void {
    this.segments.length = 0;
    const whole = { segment: this.fresh, from: 0, to: this.bytes.length };
    this.slices = this.bytes.length > MAX_INLINE_BYTES ? this.store(0, this.bytes.length) : [whole];
  }

  /** Puts all new bytes into stored segments. */
  storeAll(): void {
    this.slices = this.slices.flatMap((slice) =>
      slice.segment === this.fresh ? this.store(slice.from, slice.to) : [slice],
    );
  }

  finish(): { slices: Slice[]; inline: Buffer; segments: NewSegment[] } {
    return { ...this.placeFresh(), segments: this.segments };
  }

  /** Moves what is in heads into stored segments; or, when it is little, into this head. */
  private consolidate(): void {
    let at = 0;
    const slices: Slice[] = [];
    const groups: { from: number; to: number; moves: boolean; slices: Slice[] }[] = [];
    for (const slice of this.slices) {
      const to = at + slice.to - slice.from;
      const last = groups.at(-1);
      const moving = isInline(slice.segment);
      if (last?.moves === moving) {
        last.to = to;
        last.slices.push(slice);
      } else groups.push({ from: at, to, moves: moving, slices: [slice] });
      at = to;
    }
    const moving = groups.filter((group) => group.moves).reduce((sum, { from, to }) => sum + to - from, 0);
    for (const group of groups) {
      if (!group.moves) slices.push(...group.slices);
      else if (moving < SEGMENT_FROM_BYTES || group.to - group.from < SEGMENT_FROM_BYTES / 4)
        slices.push({ segment: this.fresh, from: group.from, to: group.to });
      else slices.push(...this.store(group.from, group.to));
    }
    this.slices = slices;
  }

  /**
   * Makes neighbouring slices one segment, those that cost the fewest bytes for each slice that is saved; false when there
   * is nothing to merge.
   */
  private merge(): boolean {
    const ends: number[] = [0];
    for (const { from, to } of this.slices) ends.push((ends.at(-1) as number) + to - from);
    const bytesOf = (first: number, count: number) => (ends[first + count] as number) - (ends[first] as number);
    let best = { first: 0, count: 0, cost: Infinity };
    for (let count = LEAST_MERGED; count <= this.slices.length; count++)
      for (let first = 0; first + count <= this.slices.length; first++) {
        const cost = bytesOf(first, count) / (count - 1);
        if (cost < best.cost) best = { first, count, cost };
      }
    const { first, count } = best;
    if (count === 0) return false;
    const [from, to] = [ends[first] as number, ends[first + count] as number];
    const merged = to - from < SEGMENT_FROM_BYTES ? [{ segment: this.fresh, from, to }] : this.store(from, to);
    if (merged.length >= count) return false;
    this.slices.splice(first, count, ...merged);
    return true;
  }

  private store(from: number, to: number): Slice[] {
    const slices: Slice[] = [];
    for (let at = from; at < to; at += MAX_SEGMENT_BYTES) {
      const bytes = this.bytes.subarray(at, Math.min(to, at + MAX_SEGMENT_BYTES));
      const segment = { ...this.names.next(this.series), size: bytes.length };
      this.segments.push({ segment, bytes });
      slices.push(whole(segment));
    }
    return slices;
  }

  /** The fresh slices become one inline segment, in which their bytes stand one behind the other. */
  private placeFresh(): { slices: Slice[]; inline: Buffer } {
    const parts: Buffer[] = [];
    const segment: InlineSegment = { depth: this.depth, size: this.inlineSize };
    let at = 0;
    const slices = this.slices.map((slice) => {
      if (slice.segment !== this.fresh) return slice;
      const { from, to } = slice;
      parts.push(this.bytes.subarray(from, to));
      at += to - from;
      return { segment, from: at - (to - from), to: at };
    });
    return { slices: join([], slices), inline: Buffer.concat(parts) };
  }
}
