/** New bytes of one channel that are in the values of others already. Pure: no I/O. */
import { findIn } from "./diff.ts";
import { type Channel, cut, isInline, isValue, type Segment, type Slice } from "./slices.ts";

/** The length in bytes from which new bytes are looked for in other channels, and from which those are looked through. */
const SHARED_FROM_BYTES = 512;
/** The number of other channels that are looked through, the largest first. */
const MAX_OTHERS = 4;

/** A part of new bytes: slices that hold it, or none. */
interface Piece {
  from: number;
  to: number;
  slices?: Slice[] | undefined;
}

/** Finds new bytes of one channel among those of others. Each segment of another channel has one name here. */
export class Shared {
  private readonly renamed = new Map<string, Map<Segment, Segment>>();
  private readonly values = new Map<string, Segment>();

  /** Slices of segments alone, in place of those of the values of other channels. The same slices when there are none. */
  resolve(slices: Slice[], name: string, channels: Map<string, Channel>): Slice[] {
    if (!slices.some(({ segment }) => isValue(segment))) return slices;
    return slices.flatMap((slice) => {
      const { segment, from, to } = slice;
      if (!isValue(segment)) return [slice];
      return cut(channels.get(segment.of)?.slices ?? [], from, to).map((one) => ({
        ...one,
        segment: this.rename(one.segment, segment.of, name),
      }));
    });
  }

  /** Slices are of the values of the channels in `values`, and of the segments of all others. */
  find(
    bytes: Buffer,
    from: number,
    to: number,
    name: string,
    others: Map<string, Channel>,
    values: ReadonlySet<string> = new Set(),
  ): Piece[] {
    let pieces: Piece[] = [{ from, to }];
    if (to - from < SHARED_FROM_BYTES) return pieces;
    const largest = [...others]
      .filter(([, other]) => other.bytes.length >= SHARED_FROM_BYTES)
      .sort(([, a], [, b]) => b.bytes.length - a.bytes.length)
      .slice(0, MAX_OTHERS);
    for (const [other, channel] of largest)
      pieces = pieces.flatMap((piece): Piece[] => {
        if (piece.slices || piece.to - piece.from < SHARED_FROM_BYTES) return [piece];
        let at = piece.from;
        return findIn(channel.bytes, bytes, piece.from, piece.to).map((part) => {
          const begin = at;
          at += part.to - part.from;
          if (!part.kept) return { from: begin, to: at };
          if (values.has(other)) {
            const segment = this.values.get(other) ?? { of: other, size: channel.bytes.length };
            this.values.set(other, segment);
            return { from: begin, to: at, slices: [{ segment, from: part.from, to: part.to }] };
          }
          const slices = cut(channel.slices, part.from, part.to).map((slice) => ({
            ...slice,
            segment: this.rename(slice.segment, other, name),
          }));
          return { from: begin, to: at, slices };
        });
      });
    return pieces;
  }

  /** The segment as the value of channel `to` refers to it, where it is a segment of channel `from`. */
  private rename(segment: Segment, from: string, to: string): Segment {
    if (!isInline(segment)) return segment;
    const channel = segment.channel ?? from;
    const names = this.renamed.get(to) ?? new Map<Segment, Segment>();
    this.renamed.set(to, names);
    const { depth, size } = segment;
    const known = names.get(segment) ?? { depth, size, ...(channel !== to && { channel }) };
    names.set(segment, known);
    return known;
  }
}
