/**
 * Slices as a head keeps them: in extents, so that what was appended bit by bit takes no more room than what was there at
 * once. Heads are named by how many heads back they are along the parents. Pure: no I/O.
 */
import { isInline, isText, isValue, type Segment, type Slice, type StoredSegment, whole } from "./slices.ts";
import { toText } from "./small-values.ts";

export type Extent =
  /** The whole inline segments of the heads from `first` back to `last` back, those that have one for the channel. */
  | [kind: 1, first: number, last: number]
  /** Part of the inline segment of the head so far back. */
  | [kind: 2, back: number, from: number, to: number]
  /** The whole stored segments of a series, from ordinal to ordinal. */
  | [kind: 3, series: string, first: number, last: number]
  /** Part of a stored segment. */
  | [kind: 4, series: string, ordinal: number, from: number, to: number]
  /** The inline segments of the extents after this one are of another channel; of the own one again when it is left out. */
  | [kind: 5, channel?: string]
  /** Part of the value of another channel of the same checkpoint, which refers to no other itself. */
  | [kind: 6, channel: string, from: number, to: number]
  /** The whole of a small value. */
  | [kind: 7, text: string];

/** A channel's value as a head keeps it, but for the bytes that the head brings along. */
export interface HeadChannel {
  type: string;
  extents: Extent[];
  /** CRC-32 of the whole value; 0 for a small value, which is in the head alone. */
  crc: number;
}

/** The size of the inline segment in the head of a depth, of the channel in question or of another one; 0 when it has none. */
export type InlineSize = (depth: number, channel?: string) => number;

export function toExtents(slices: Slice[], depth: number, inlineSize: InlineSize): Extent[] {
  const extents: Extent[] = [];
  let channel: string | undefined;
  for (const { segment, from, to } of slices) {
    const isWhole = from === 0 && to === segment.size;
    if (isInline(segment) && segment.channel !== channel) {
      channel = segment.channel;
      extents.push(channel === undefined ? [5] : [5, channel]);
    }
    const last = extents.at(-1);
    if (isInline(segment)) {
      const back = depth - segment.depth;
      if (!isWhole) extents.push([2, back, from, to]);
      else if (last?.[0] === 1 && last[2] > back && isBare(last[2], back)) last[2] = back;
      else extents.push([1, back, back]);
    } else if (isValue(segment)) extents.push([6, segment.of, from, to]);
    else if (isText(segment)) extents.push([7, segment.text]);
    else {
      const { series, ordinal } = segment;
      if (!isWhole) extents.push([4, series, ordinal, from, to]);
      else if (last?.[0] === 3 && last[1] === series && last[3] === ordinal - 1) last[3] = ordinal;
      else extents.push([3, series, ordinal, ordinal]);
    }
  }
  return extents;

  /** True when the heads strictly between bring nothing that an extent over them would take in. */
  function isBare(earlier: number, later: number): boolean {
    for (let back = earlier - 1; back > later; back--) if (inlineSize(depth - back, channel) > 0) return false;
    return true;
  }
}

export const isSmall = ([first]: Extent[]): boolean => first?.[0] === 7;

/** Returns the number of heads back that the extents reach. */
export function reachOf(extents: Extent[]): number {
  return Math.max(0, ...extents.map((extent) => (extent[0] === 1 || extent[0] === 2 ? extent[1] : 0)));
}

/** The extents with other names for heads than how far back they are. */
export function mapBacks(extents: Extent[], to: (back: number) => number): Extent[] {
  return extents.map((extent): Extent => {
    if (extent[0] === 1) return [1, to(extent[1]), to(extent[2])];
    return extent[0] === 2 ? [2, to(extent[1]), extent[2], extent[3]] : extent;
  });
}

/** The stored segments that the extents refer to, as ranges of ordinals by series. */
export function storedRanges(extents: Extent[]): { series: string; first: number; last: number }[] {
  return extents.flatMap((extent) => {
    if (extent[0] === 3) return [{ series: extent[1], first: extent[2], last: extent[3] }];
    return extent[0] === 4 ? [{ series: extent[1], first: extent[2], last: extent[2] }] : [];
  });
}

/** The reverse of `toExtents`. `stored` gives a segment with its size, or throws when it is not there. */
export function toSlices(
  extents: Extent[],
  depth: number,
  inlineSize: InlineSize,
  stored: (series: string, ordinal: number) => StoredSegment,
): Slice[] {
  const segments = new Map<string, Segment>();
  let channel: string | undefined;
  const inline = (back: number): Segment => {
    const at = depth - back;
    const name = channel === undefined ? `${at}` : `${at} ${channel}`;
    const known = segments.get(name) ?? {
      depth: at,
      size: inlineSize(at, channel),
      channel,
    };
    segments.set(name, known);
    return known;
  };
  return extents.flatMap((extent): Slice[] => {
    switch (extent[0]) {
      case 1:
        return range(extent[1], extent[2], -1)
          .map((back) => whole(inline(back)))
          .filter(({ to }) => to > 0);
      case 2:
        return [{ segment: inline(extent[1]), from: extent[2], to: extent[3] }];
      case 3:
        return range(extent[2], extent[3], 1).map((ordinal) => whole(stored(extent[1], ordinal)));
      case 5:
        channel = extent[1];
        return [];
      case 6:
        return [{ segment: { of: extent[1], size: extent[3] }, from: extent[2], to: extent[3] }];
      case 7:
        return [whole(toText(Buffer.from(extent[1])))];
      default:
        return [{ segment: stored(extent[1], extent[2]), from: extent[3], to: extent[4] }];
    }
  });
}

function range(first: number, last: number, step: 1 | -1): number[] {
  return Array.from({ length: Math.max(0, (last - first) * step + 1) }, (_, i) => first + i * step);
}
