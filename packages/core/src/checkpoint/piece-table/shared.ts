/** New bytes of one channel that are in the values of others already. Pure: no I/O. */
import { findIn } from "./diff.ts";
import { type Channel, cut, isInline, isStored, isValue, type Segment, type Slice } from "./slices.ts";

/** The length in bytes from which new bytes are looked for in other channels, and from which those are looked through. */
const SHARED_FROM_BYTES = 512;
/** The number of other channels that are looked through, the largest first. */
const MAX_OTHERS = 4;

/** A channel that new bytes may be in already. */
export interface Other {
  name: string;
  channel: Channel;
  /**
   * How it can be referred to: by its `value`, for a channel of the same checkpoint; by all of its `segments`; or by its
   * `stored` segments alone, for one of another namespace, whose heads nothing but that namespace reads.
   */
  by: "value" | "segments" | "stored";
}

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

  /** Parts of new bytes of channel `to`, one behind the other. */
  find(bytes: Buffer, [first, end]: [from: number, to: number], to: string, others: Other[]): Piece[] {
    let pieces: Piece[] = [{ from: first, to: end }];
    if (end - first < SHARED_FROM_BYTES) return pieces;
    const largest = others
      .filter(({ channel }) => channel.bytes.length >= SHARED_FROM_BYTES)
      .sort((a, b) => b.channel.bytes.length - a.channel.bytes.length)
      .slice(0, MAX_OTHERS);
    for (const other of largest)
      pieces = pieces.flatMap((piece): Piece[] => {
        if (piece.slices || piece.to - piece.from < SHARED_FROM_BYTES) return [piece];
        let at = piece.from;
        return findIn(other.channel.bytes, bytes, piece.from, piece.to).flatMap((part) => {
          const begin = at;
          at += part.to - part.from;
          return part.kept ? this.refer(begin, part, other, to) : [{ from: begin, to: at }];
        });
      });
    return pieces;
  }

  /** Pieces for a range of another channel's value, the first of which begins at `begin` of the new bytes. */
  private refer(begin: number, { from, to }: { from: number; to: number }, other: Other, target: string): Piece[] {
    const { name, channel, by } = other;
    const end = begin + to - from;
    if (by === "value") {
      const segment = this.values.get(name) ?? { of: name, size: channel.bytes.length };
      this.values.set(name, segment);
      return [{ from: begin, to: end, slices: [{ segment, from, to }] }];
    }
    const slices = cut(channel.slices, from, to);
    if (by === "stored") return storedPieces(begin, slices);
    const renamed = slices.map((slice) => ({ ...slice, segment: this.rename(slice.segment, name, target) }));
    return [{ from: begin, to: end, slices: renamed }];
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

/** Pieces for slices, in order: runs of stored segments are referred to, and all that is in heads between them is new. */
function storedPieces(begin: number, slices: Slice[]): Piece[] {
  const pieces: Piece[] = [];
  let at = begin;
  for (const slice of slices) {
    const to = at + slice.to - slice.from;
    const last = pieces.at(-1);
    const refers = isStored(slice.segment);
    if (last && refers === (last.slices !== undefined)) {
      last.to = to;
      last.slices?.push(slice);
    } else pieces.push({ from: at, to, slices: refers ? [slice] : undefined });
    at = to;
  }
  return pieces;
}
