/** Lists the other heads and the segments that a head refers to. */
import type { Head } from "../items/head.ts";
import { segmentKey } from "../items/keys.ts";
import { type Extent, reachOf, storedRanges } from "../piece-table/extents.ts";

const extentsOf = ({ contents }: Head) => [...contents.channels.values()].flatMap(({ extents }) => extents);

/** The number of heads back that a head needs, for its values and its keyframe. */
export const reachIn = (head: Head): number =>
  Math.max(reachOf(extentsOf(head)), head.keyframe ? head.depth - head.keyframe.depth : 0);

/** Sort keys of the segments that extents refer to. */
export const segmentsIn = (extents: Extent[]): string[] =>
  storedRanges(extents).flatMap(({ series, first, last }) =>
    Array.from({ length: last - first + 1 }, (_, i) => segmentKey("", { series, ordinal: first + i }).sk),
  );

/** Sort keys of the segments that a head refers to. */
export const segmentsOf = (head: Head): string[] => segmentsIn(extentsOf(head));
