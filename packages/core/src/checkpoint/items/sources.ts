/** Puts values together from extents: from heads and segments that were read, or from a checkpoint that is in memory. */
import { corrupt } from "../corrupt.ts";
import { type Difference, NEW } from "../piece-table/difference.ts";
import { type Extent, type InlineSize, toSlices } from "../piece-table/extents.ts";
import type { State } from "../piece-table/plan.ts";
import { Shared } from "../piece-table/shared.ts";
import {
  type Channel,
  isInline,
  isStored,
  isText,
  isValue,
  type Segment,
  type Slice,
  type StoredSegment,
} from "../piece-table/slices.ts";
import type { StoredHead } from "./head.ts";
import { type LoadedSegment, nameOf } from "./segments.ts";

/** Everything that some extents of a head refer to. */
export class Sources {
  /** The head itself and those so many heads back, by depth. */
  readonly ancestors: Map<number, StoredHead>;
  private readonly depth: number;
  private readonly inline: Map<number, Map<string, Buffer>>;
  private readonly stored: Map<string, LoadedSegment>;
  private readonly what: string;

  constructor(depth: number, ancestors: Map<number, StoredHead>, stored: Map<string, LoadedSegment>, what: string) {
    this.depth = depth;
    this.ancestors = ancestors;
    this.inline = new Map([...ancestors].map(([at, head]) => [at, head.inline]));
    this.stored = stored;
    this.what = what;
  }

  /**
   * The value of a channel, and the slices that it is in. `fresh` are the new bytes of a difference, whose channel is `NEW`, and
   * `values` those of the same checkpoint that it may refer to. Throws
   * `store-corrupt` when a stored segment is not there; bytes that a head lacks are missing, which the value's CRC shows.
   */
  read(
    extents: Extent[],
    own: string,
    { fresh, values }: { fresh?: Buffer | undefined; values?: Map<string, Channel> | undefined } = {},
  ): { slices: Slice[]; bytes: Buffer } {
    const inlineAt = (depth: number, channel = own) =>
      channel === NEW && fresh ? fresh : this.inline.get(depth)?.get(channel);
    const sizeAt: InlineSize = (depth, channel) => inlineAt(depth, channel)?.length ?? 0;
    const slices = toSlices(extents, this.depth, sizeAt, (series, ordinal) => {
      const segment = this.stored.get(nameOf({ series, ordinal }))?.segment;
      if (!segment) throw corrupt(`${this.what}, channel ${own}: segment ${series}#${ordinal}`);
      return segment;
    });
    const parts = slices.map(({ segment, from, to }) => {
      const bytes = isInline(segment)
        ? inlineAt(segment.depth, segment.channel)
        : isValue(segment)
          ? values?.get(segment.of)?.bytes
          : isText(segment)
            ? Buffer.from(segment.text)
            : this.stored.get(nameOf(segment))?.bytes;
      return bytes?.subarray(from, to) ?? Buffer.alloc(0);
    });
    return { slices: new Shared().resolve(slices, own, values ?? new Map()), bytes: Buffer.concat(parts) };
  }
}

/** The bytes of a difference, from the values of its checkpoint's channels; undefined where these do not have all of them. */
export function readFromMemory(
  { depth, channels, ancestors }: State,
  { extents, fresh }: Difference,
): Buffer | undefined {
  const pieces = new Map<string, { from: number; to: number; bytes: Buffer }[]>();
  const segments = new Map<string, StoredSegment>();
  const keyOf = (segment: Segment, own?: string) =>
    isInline(segment) ? `${segment.depth} ${segment.channel ?? own}` : isStored(segment) ? nameOf(segment) : "";
  for (const [name, { slices, bytes }] of channels) {
    let at = 0;
    for (const { segment, from, to } of slices) {
      const key = keyOf(segment, name);
      const piece = { from, to, bytes: bytes.subarray(at, at + to - from) };
      pieces.set(key, [...(pieces.get(key) ?? []), piece]);
      if (isStored(segment)) segments.set(key, segment);
      at += to - from;
    }
  }
  const sizeAt: InlineSize = (at, channel = NEW) =>
    channel === NEW ? fresh.length : (ancestors.find((one) => one.depth === at)?.inline.get(channel) ?? 0);
  let isWhole = true;
  const missing = { series: "", ordinal: 0, size: 0 };
  const slices = toSlices(extents, depth, sizeAt, (series, ordinal) => {
    const segment = segments.get(nameOf({ series, ordinal }));
    isWhole &&= segment !== undefined;
    return segment ?? missing;
  });
  const parts = slices.map(({ segment, from, to }) => {
    if (isInline(segment) && segment.channel === NEW) return fresh.subarray(from, to);
    const piece = pieces.get(keyOf(segment))?.find((one) => one.from <= from && one.to >= to);
    isWhole &&= piece !== undefined;
    return piece?.bytes.subarray(from - piece.from, to - piece.from) ?? Buffer.alloc(0);
  });
  return isWhole ? Buffer.concat(parts) : undefined;
}
