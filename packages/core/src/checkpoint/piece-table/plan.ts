/**
 * Plans how a checkpoint is stored, given its parent: for each channel the slices of bytes that are there already, the bytes
 * that its head brings along, and the bytes that go into stored segments before the head. Pure: no I/O.
 */
import { crc32 } from "node:zlib";
import type { Dumped } from "../bytes/codec.ts";
import { ChannelWriter, type NewSegment } from "./channel-writer.ts";
import { compare } from "./diff.ts";
import { type HeadChannel, toExtents } from "./extents.ts";
import { SegmentNames, type UsedNames } from "./segment-names.ts";
import { type Other, Shared } from "./shared.ts";
import { type Channel, cut, type Slice } from "./slices.ts";
import { inText, isInText, SMALL_BYTES, smallValues } from "./small-values.ts";

/** A head on the way to the root, as far as its inline segments are of use. */
export interface Ancestor {
  depth: number;
  /** Sizes of its inline segments by channel. */
  inline: Map<string, number>;
}

/** A checkpoint as it was loaded or put: what its children are compared with. */
export interface State {
  depth: number;
  incarnation?: string | undefined;
  /** Epoch seconds until which its head, and what that refers to, are kept; for good when left out. */
  keptUntil?: number | undefined;
  sourcesUntil?: number | undefined;
  /** Itself and its nearest ancestors, nearest last. */
  ancestors: Ancestor[];
  channels: Map<string, Channel>;
  /** Left out of one that was read: then what its channels refer to is all that is known. */
  names?: UsedNames | undefined;
}

export interface Plan {
  channels: Map<string, Channel>;
  /** Slices as the head is to have them, where some are of the values of other channels. */
  references: Map<string, Slice[]>;
  /** The number of bytes that a value begins with as the parent's does, by channel. */
  kept: Map<string, number>;
  /** Bytes that the head brings along, by channel; none is empty. */
  inline: Map<string, Buffer>;
  segments: NewSegment[];
  names: SegmentNames;
}

/** The number of new bytes that all channels together have in a head, at most: it is one item. */
const MAX_HEAD_BYTES = 128 * 1024;

/**
 * With `isReplacing`, `parent` is the checkpoint itself as it was: its head keeps its depth and its inline segments, and all
 * new bytes go into stored ones. `enclosing` is a checkpoint of the graph that this one's is a part of, in another namespace. `room` is the
 * number of bytes that the contents have for small values and for the places of all.
 */
export function plan(
  parent: State | undefined,
  values: Map<string, Dumped>,
  newSeries: () => string,
  {
    isReplacing = false,
    enclosing,
    room = 0,
  }: { isReplacing?: boolean; enclosing?: State | undefined; room?: number } = {},
): Plan {
  const depth = parent ? parent.depth + (isReplacing ? 0 : 1) : 0;
  const names = new SegmentNames(parent?.channels.values() ?? [], parent?.names, newSeries);
  const made: Plan = {
    ...{ channels: new Map(), references: new Map(), kept: new Map(), inline: new Map() },
    ...{ segments: [], names },
  };
  const shared = new Shared();
  const small = smallValues(values, room);
  let inHead = 0;
  const total = [...values.values()].reduce((sum, { bytes }) => sum + bytes.length, 0) || 1;
  // LangGraph's own channels repeat what is in the graph's: a task that is sent with the state has all of it once more.
  for (const [name, value] of [...values].sort(
    ([a], [b]) => Number(isOwnOfLangGraph(a)) - Number(isOwnOfLangGraph(b)),
  )) {
    const known = parent?.channels.get(name);
    const isEqual = known?.type === value.type && known.bytes.equals(value.bytes);
    if (small.has(name)) {
      made.kept.set(name, isEqual ? value.bytes.length : 0);
      const bytes = isEqual ? known.bytes : value.bytes;
      made.channels.set(
        name,
        isEqual && isInText(known.slices) ? known : { ...value, bytes, slices: inText(bytes), crc: crc32(bytes) },
      );
      continue;
    }
    const comparable =
      known?.type === value.type && !isInText(known.slices) && (value.bytes.length >= SMALL_BYTES || isEqual);
    const parts = comparable ? compare(known.bytes, value.bytes) : [{ kept: false, from: 0, to: value.bytes.length }];
    made.kept.set(name, parts[0]?.kept && parts[0].from === 0 ? parts[0].to : 0);
    const writer = new ChannelWriter(value.bytes, depth, known, names);
    for (const { kept, from, to } of parts) {
      if (kept) writer.keep(cut(known?.slices ?? [], from, to));
      else
        for (const piece of shared.find(value.bytes, [from, to], name, othersOf(name, made, parent, enclosing))) {
          if (piece.slices) writer.keep(piece.slices);
          else writer.add(piece.from, piece.to);
        }
    }
    const sizeAt = (at: number, of = name) =>
      (at === depth ? made.inline.get(of)?.length : undefined) ??
      parent?.ancestors.find((one) => one.depth === at)?.inline.get(of) ??
      0;
    writer.shorten(
      (at, of) => (at === depth && !isReplacing && of === undefined ? writer.inlineSize : sizeAt(at, of)),
      value.bytes.length / total,
    );
    if (isReplacing || inHead + writer.inlineSize > MAX_HEAD_BYTES) writer.storeAll();
    inHead += writer.inlineSize;
    const { slices: own, inline, segments } = writer.finish();
    const slices = shared.resolve(own, name, made.channels);
    if (slices !== own) made.references.set(name, own);
    // A value that is the parent's is the same bytes in memory, too.
    const isSame = known !== undefined && parts.length === 1 && made.kept.get(name) === value.bytes.length;
    const bytes = isSame && known.bytes.length === value.bytes.length ? known.bytes : value.bytes;
    made.channels.set(name, { ...value, bytes, slices, crc: crc32(bytes) });
    if (inline.length > 0) made.inline.set(name, inline);
    made.segments.push(...segments);
  }
  // In the order in which the checkpoint has them.
  made.channels = new Map([...values.keys()].map((name) => [name, made.channels.get(name) as Channel]));
  return made;
}

const isOwnOfLangGraph = (name: string): boolean => name.startsWith("__");

/** Channels that a new value may repeat: those of the same checkpoint that are planned already, the parent's, and those of the graph around. */
function othersOf(
  name: string,
  { channels, references }: Plan,
  parent: State | undefined,
  enclosing: State | undefined,
): Other[] {
  const near = new Map([...(parent?.channels ?? []), ...channels]);
  near.delete(name);
  const isValueOf = (other: string) => channels.has(other) && !references.has(other);
  return [
    ...[...near].map(
      ([other, channel]): Other => ({
        ...{ name: other, channel },
        by: isValueOf(other) ? "value" : "segments",
      }),
    ),
    ...[...(enclosing?.channels ?? [])].map(([other, channel]): Other => ({ name: other, channel, by: "stored" })),
  ];
}

/** The channels as a head keeps them, once the segments are stored. */
export function headChannels(planned: Plan, depth: number, parent: State | undefined): Map<string, HeadChannel> {
  const sizes = new Map(parent?.ancestors.map((one) => [one.depth, one.inline]));
  return new Map(
    [...planned.channels].map(([name, { type, slices, crc }]) => {
      const sizeAt = (at: number, of = name) =>
        at === depth ? (planned.inline.get(of)?.length ?? 0) : (sizes.get(at)?.get(of) ?? 0);
      // The bytes of a head have a checksum of their own, which a small value is covered by.
      return [
        name,
        {
          type,
          crc: isInText(slices) ? 0 : crc,
          extents: toExtents(planned.references.get(name) ?? slices, depth, sizeAt),
        },
      ];
    }),
  );
}
