/**
 * Names for the segments that one checkpoint stores. A channel goes on with the series that its value has the last segment of, so that what was
 * appended bit by bit stands in one row. Channels that have none share one, and so do those of the checkpoints after it: a reader takes a
 * query for each series. Pure: no I/O.
 */
import { type Channel, isStored, type StoredSegment } from "./slices.ts";

/** The names that are used up, as far as a process knows: a name that is taken costs a write more. */
export interface UsedNames {
  /** The ordinal behind all that were ever given, by series. */
  ends: ReadonlyMap<string, number>;
  /** The series of channels without a segment. */
  shared: string | undefined;
}

export class SegmentNames {
  private readonly newSeries: () => string;
  private readonly ends: Map<string, number>;
  private shared: string | undefined;

  constructor(channels: Iterable<Channel>, used: UsedNames | undefined, newSeries: () => string) {
    this.newSeries = newSeries;
    this.ends = new Map(used?.ends);
    this.shared = used?.shared;
    for (const [series, end] of endsOf(channels)) this.ends.set(series, Math.max(this.ends.get(series) ?? 0, end));
  }

  /** The series that a value is gone on with; undefined when it has no segment. */
  seriesOf(channel: Channel | undefined): string | undefined {
    let last = -1;
    let series: string | undefined;
    for (const { segment } of channel?.slices ?? [])
      if (isStored(segment) && segment.ordinal > last) {
        series = segment.series;
        last = segment.ordinal;
      }
    return series;
  }

  /** The name of the next segment of a series, or of the one that is shared. */
  next(of: string | undefined): { series: string; ordinal: number } {
    if (of === undefined) this.shared ??= this.newSeries();
    const series = of ?? (this.shared as string);
    const ordinal = this.ends.get(series) ?? 0;
    this.ends.set(series, ordinal + 1);
    return { series, ordinal };
  }

  /**
   * The names that are used up once `channels` are stored, with `segments` as they were put: of the series that they refer to, and of the shared
   * one. A segment may have been moved to another series, because a fork had its name: the shared one is the fork's then.
   */
  usedBy(channels: Iterable<Channel>, segments: Iterable<StoredSegment>): UsedNames {
    const ends = endsOf(channels);
    const moved = [...segments].find(({ series }) => !this.ends.has(series))?.series;
    const shared = moved ?? this.shared;
    for (const [series, end] of this.ends)
      if (series === shared || ends.has(series)) ends.set(series, Math.max(end, ends.get(series) ?? 0));
    return { ends, shared };
  }
}

/** The ordinal behind the last that channels refer to, by series. */
function endsOf(channels: Iterable<Channel>): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { slices } of channels)
    for (const { segment } of slices)
      if (isStored(segment)) ends.set(segment.series, Math.max(ends.get(segment.series) ?? 0, segment.ordinal + 1));
  return ends;
}
