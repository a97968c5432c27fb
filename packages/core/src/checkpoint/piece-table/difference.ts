/**
 * A pending write as a difference to the checkpoint that it is kept beside: what the checkpoint's channels have already is referred to,
 * as extents of a head refer to segments, and the rest is brought along. The segments stay, whatever becomes of the checkpoint's
 * values: a checkpoint that is put again keeps all that was referred to. Pure: no I/O.
 *
 * A difference is a line of JSON, `[extents, CRC-32 of the value]`, and the bytes that are new. Extents of the channel `NEW` are of these.
 */
import { crc32 } from "node:zlib";
import { type Extent, type InlineSize, toExtents } from "./extents.ts";
import type { State } from "./plan.ts";
import { type Other, Shared } from "./shared.ts";
import { join, type Slice } from "./slices.ts";

/** No graph has a channel of this name. */
export const NEW = "\u0000";
/** The length in bytes from which a write is compared. */
const FROM_BYTES = 1024;
/** A write refers to all slices of a value by themselves: a checkpoint that is put again may have another one. */
const MAX_EXTENTS = 1000;
/** The share of new bytes above which a write is stored whole. */
const MOST_NEW = 0.7;

/** The first character of the type of a difference, which the type of no serializer begins with. */
const MARK = "\u0001";
export const isDifference = (type: string): boolean => type.startsWith(MARK);
/** The type of a difference to a value of a type, and the value's own. */
export const differenceType = (type: string): string => MARK + type;
export const wholeType = (type: string): string => type.slice(MARK.length);

export interface Difference {
  extents: Extent[];
  crc: number;
  /** The new bytes. */
  fresh: Buffer;
}

/** Undefined when the bytes have too little in common with the checkpoint's channels. */
export function differenceOf({ depth, channels, ancestors }: State, bytes: Buffer): Buffer | undefined {
  if (bytes.length < FROM_BYTES || channels.has(NEW)) return undefined;
  const others = [...channels].map(([name, channel]): Other => ({ name, channel, by: "segments" }));
  const pieces = new Shared().find(bytes, [0, bytes.length], NEW, others);
  const added = pieces.filter(({ slices }) => !slices).map(({ from, to }) => bytes.subarray(from, to));
  const size = added.reduce((sum, { length }) => sum + length, 0);
  if (size > MOST_NEW * bytes.length) return undefined;
  const segment = { depth, size, channel: NEW };
  let at = 0;
  const slices = pieces.flatMap(({ from, to, slices }): Slice[] => {
    if (slices) return slices;
    at += to - from;
    return [{ segment, from: at - (to - from), to: at }];
  });
  const inlineSize: InlineSize = (of, channel = NEW) =>
    channel === NEW ? size : (ancestors.find((one) => one.depth === of)?.inline.get(channel) ?? 0);
  const extents = toExtents(join([], slices), depth, inlineSize);
  if (extents.length > MAX_EXTENTS) return undefined;
  return Buffer.concat([Buffer.from(`${JSON.stringify([extents, crc32(bytes)])}\n`), ...added]);
}

/** Undefined when this is not what `differenceOf` makes. */
export function parseDifference(payload: Buffer): Difference | undefined {
  const end = payload.indexOf(10);
  if (end < 0) return undefined;
  const [extents, crc] = JSON.parse(payload.toString("utf8", 0, end)) as [Extent[], number];
  return { extents, crc, fresh: payload.subarray(end + 1) };
}
