/**
 * Slices as a head keeps them: in runs, so that what was appended bit by bit takes no more room than what was there at
 * once. Heads are named by how many heads back they are along the parents. Pure: no I/O.
 */
import { isInline, type Segment, type Slice, type StoredSegment, whole } from "./slices.ts";

export type Run =
  /** The whole inline segments of the heads from `first` back to `last` back, those that have one for the channel. */
  | [kind: 1, first: number, last: number]
  /** Part of the inline segment of the head so far back. */
  | [kind: 2, back: number, from: number, to: number]
  /** The whole stored segments of a lineage, from ordinal to ordinal. */
  | [kind: 3, lineage: string, first: number, last: number]
  /** Part of a stored segment. */
  | [kind: 4, lineage: string, ordinal: number, from: number, to: number];

/** The size of the inline segment, of the channel in question, in the head of a depth; 0 when it has none. */
export type InlineSize = (depth: number) => number;

export function toRuns(slices: Slice[], depth: number, inlineSize: InlineSize): Run[] {
  const runs: Run[] = [];
  for (const { segment, from, to } of slices) {
    const last = runs.at(-1);
    const isWhole = from === 0 && to === segment.size;
    if (isInline(segment)) {
      const back = depth - segment.depth;
      if (!isWhole) runs.push([2, back, from, to]);
      else if (last?.[0] === 1 && last[2] > back && isBare(last[2], back)) last[2] = back;
      else runs.push([1, back, back]);
    } else {
      const { lineage, ordinal } = segment;
      if (!isWhole) runs.push([4, lineage, ordinal, from, to]);
      else if (last?.[0] === 3 && last[1] === lineage && last[3] === ordinal - 1) last[3] = ordinal;
      else runs.push([3, lineage, ordinal, ordinal]);
    }
  }
  return runs;

  /** Whether the heads strictly between bring nothing that a run over them would take in. */
  function isBare(earlier: number, later: number): boolean {
    for (let back = earlier - 1; back > later; back--) if (inlineSize(depth - back) > 0) return false;
    return true;
  }
}

/** How many heads back the runs reach. */
export function reachOf(runs: Run[]): number {
  return Math.max(0, ...runs.map((run) => (run[0] === 1 || run[0] === 2 ? run[1] : 0)));
}

/** The stored segments that the runs refer to, as ranges of ordinals by lineage. */
export function storedRanges(runs: Run[]): { lineage: string; first: number; last: number }[] {
  return runs.flatMap((run) => {
    if (run[0] === 3) return [{ lineage: run[1], first: run[2], last: run[3] }];
    return run[0] === 4 ? [{ lineage: run[1], first: run[2], last: run[2] }] : [];
  });
}

/** The reverse of `toRuns`. `stored` gives a segment with its size, or throws when it is not there. */
export function toSlices(
  runs: Run[],
  depth: number,
  inlineSize: InlineSize,
  stored: (lineage: string, ordinal: number) => StoredSegment,
): Slice[] {
  const segments = new Map<number, Segment>();
  const inline = (back: number): Segment => {
    const at = depth - back;
    const known = segments.get(at) ?? { depth: at, size: inlineSize(at) };
    segments.set(at, known);
    return known;
  };
  return runs.flatMap((run): Slice[] => {
    switch (run[0]) {
      case 1:
        return range(run[1], run[2], -1)
          .map((back) => whole(inline(back)))
          .filter(({ to }) => to > 0);
      case 2:
        return [{ segment: inline(run[1]), from: run[2], to: run[3] }];
      case 3:
        return range(run[2], run[3], 1).map((ordinal) => whole(stored(run[1], ordinal)));
      default:
        return [{ segment: stored(run[1], run[2]), from: run[3], to: run[4] }];
    }
  });
}

function range(first: number, last: number, step: 1 | -1): number[] {
  return Array.from({ length: Math.max(0, (last - first) * step + 1) }, (_, i) => first + i * step);
}
