/**
 * The piece table. A channel's bytes are a list of slices of immutable segments. A segment is either inline, in the
 * head of the checkpoint that first held its bytes, or stored as an item of its own. Pure: no I/O.
 */
import type { Dumped } from "../bytes/codec.ts";

/** The bytes that one head brought to one channel. `depth` counts heads from the root of the thread. */
export interface InlineSegment {
  depth: number;
  size: number;
  /** The channel that the head brought them to, where it is another than the one whose value this is. */
  channel?: string | undefined;
}

/** Stored segments of a series are numbered in the order of the bytes that were appended. */
export interface StoredSegment {
  series: string;
  ordinal: number;
  size: number;
}

/** The value of another channel of the same checkpoint: what repeats it takes one reference, however many slices it has. */
export interface ValueSegment {
  of: string;
  size: number;
}

/** A small value that each head which has it brings along in its contents: nothing refers to it. See small-values.ts. */
export interface TextSegment {
  text: string;
  size: number;
}

export type Segment = InlineSegment | StoredSegment | ValueSegment | TextSegment;

export interface Slice {
  segment: Segment;
  from: number;
  to: number;
}

/** The value of a channel, with the slices that its bytes are in. */
export interface Channel extends Dumped {
  slices: Slice[];
  crc: number;
}

export const isInline = (segment: Segment): segment is InlineSegment => "depth" in segment;
export const isStored = (segment: Segment): segment is StoredSegment => "series" in segment;
export const isText = (segment: Segment): segment is TextSegment => "text" in segment;
export const isValue = (segment: Segment): segment is ValueSegment => "of" in segment;
export const whole = (segment: Segment): Slice => ({ segment, from: 0, to: segment.size });

/** The slices of the bytes from `from` to `to`. */
export function cut(slices: Slice[], from: number, to: number): Slice[] {
  const found: Slice[] = [];
  let at = 0;
  for (const slice of slices) {
    const end = at + slice.to - slice.from;
    if (end > from && at < to)
      found.push({
        segment: slice.segment,
        from: slice.from + Math.max(0, from - at),
        to: slice.from + Math.min(end, to) - at,
      });
    at = end;
    if (at >= to) break;
  }
  return found;
}

/** `base` followed by `more`, with slices that continue one another made one. */
export function join(base: Slice[], more: Slice[]): Slice[] {
  const joined = [...base];
  for (const slice of more) {
    const last = joined.at(-1);
    if (last && last.segment === slice.segment && last.to === slice.from)
      joined[joined.length - 1] = { ...last, to: slice.to };
    else if (slice.to > slice.from) joined.push(slice);
  }
  return joined;
}
