/**
 * Names for the segments that one checkpoint stores. A channel goes on with the series that its value has the last segment of, so that what was
 * appended bit by bit stands in one row. Channels that have none share one: a reader takes a query for each series. Pure: no I/O.
 */
import { type Channel, isStored } from "./slices.ts";

export class SegmentNames {
  private readonly newSeries: () => string;
  /** The ordinal behind all that the parent's values refer to, by series. */
  private readonly ends = new Map<string, number>();
  private shared: string | undefined;

  constructor(parent: Map<string, Channel> | undefined, newSeries: () => string) {
    this.newSeries = newSeries;
    for (const { slices } of parent?.values() ?? [])
      for (const { segment } of slices)
        if (isStored(segment))
          this.ends.set(segment.series, Math.max(this.ends.get(segment.series) ?? 0, segment.ordinal + 1));
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
}
