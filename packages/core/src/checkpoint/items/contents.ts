/**
 * The contents of a head: the checkpoint without its values, and where each channel's value is. A state of many channels makes them large,
 * and a superstep changes little of them; so they may be kept as a difference to those of a head before, the *keyframe*.
 *
 * A difference is raw deflate of the contents' text with the keyframe's text as preset dictionary. In the text, heads are named by
 * their depth and not by how far back they are, so that what did not change reads the same. Pure: no I/O.
 *
 * A keyframe is a head that keeps its contents whole, at most `MAX_REACH` heads back: a reader of values has read it along. A keyframe that
 * was put again is none for later heads; it retains the text that it had, for the heads that refer to it already.
 */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Dumped } from "../bytes/codec.ts";
import { compact } from "../bytes/memory.ts";
import { MAX_REACH } from "../piece-table/channel-writer.ts";
import { type Extent, type HeadChannel, mapBacks } from "../piece-table/extents.ts";

export interface Contents {
  /** The checkpoint, without `id` and `channel_values`. */
  body: Dumped;
  channels: Map<string, HeadChannel>;
}

/** Contents as a difference. */
export interface Difference {
  /** The id of the keyframe's checkpoint. */
  keyframe: string;
  deflated: Buffer;
  /** CRC-32 of the text. */
  crc: number;
}

/** A keyframe in memory. */
export interface Keyframe {
  checkpointId: string;
  depth: number;
  text: Buffer;
}

/** The length in bytes of a text from which a difference is tried: shorter ones fit into one unit with all else of a head. */
const FROM_BYTES = 2048;
/** The window of deflate: bytes further back are not found. */
const MAX_BYTES = 32 * 1024;
/** Bytes of a text that nobody counts beforehand: of the type, and of the marks around places. */
const SPARE_BYTES = 1024;
/** The length in bytes of a difference, and its share of the text, up to which it takes no more than a whole text would. */
const SMALL_DIFFERENCE_BYTES = 640;
const SMALL_SHARE = 1 / 6;
/** The share of a whole text's bytes, deflated, that a difference has at most. */
const MAX_SHARE = 0.7;

/** The number of bytes that the contents of a head have for small values and for places, beside a checkpoint of this length. */
export const roomBeside = (body: Dumped): number => MAX_BYTES - SPARE_BYTES - body.bytes.length;

/** The text of the contents of a head of this depth. */
export function textOf({ body, channels }: Contents, depth: number): Buffer {
  const places = [...channels].map(([name, { type, extents, crc }]) => [name, toDepths(extents, depth), crc, type]);
  return Buffer.concat([Buffer.from(`${JSON.stringify([body.type, places])}\n`), body.bytes]);
}

/** The reverse of `textOf`. */
function parseText(text: Buffer, depth: number): Contents {
  const end = text.indexOf(10);
  const [type, places] = JSON.parse(text.toString("utf8", 0, end)) as [string, [string, Extent[], number, string][]];
  return {
    body: { type, bytes: compact(text.subarray(end + 1)) },
    channels: new Map(
      places.map(([name, extents, crc, type]) => [name, { type, extents: toDepths(extents, depth), crc }]),
    ),
  };
}

/** From how many heads back to depths; and from depths to how many heads back. */
const toDepths = (extents: Extent[], depth: number): Extent[] => mapBacks(extents, (back) => depth - back);

/** True when contents with this text may be a keyframe's. */
export const isLong = (text: Buffer): boolean => text.length >= FROM_BYTES && text.length <= MAX_BYTES;

/** Undefined when it is not worth it. */
export function differenceTo(keyframe: Keyframe, contents: Contents, depth: number): Difference | undefined {
  if (depth - keyframe.depth > MAX_REACH) return undefined;
  const text = textOf(contents, depth);
  if (!isLong(text)) return undefined;
  const deflated = deflateRawSync(text, { dictionary: keyframe.text });
  if (!isWorthIt(deflated.length, text, depth - keyframe.depth)) return undefined;
  return { keyframe: keyframe.checkpointId, deflated, crc: crc32(text) };
}

/**
 * True when a difference costs less than the next keyframe. Differences grow with each head: where each has `d` bytes more than the one before, a
 * keyframe of `k` bytes pays every `√(2k/d)` heads, which is when a difference has `2k` by the number of heads.
 */
function isWorthIt(bytes: number, text: Buffer, heads: number): boolean {
  if (bytes <= Math.min(SMALL_DIFFERENCE_BYTES, text.length * SMALL_SHARE)) return true;
  const whole = deflateRawSync(text).length;
  return bytes <= whole * Math.min(MAX_SHARE, 2 / heads);
}

/** Undefined when this is not the keyframe's text that the difference was made to. */
export function resolve({ deflated, crc }: Difference, keyframe: Buffer, depth: number): Contents | undefined {
  try {
    const text = inflateRawSync(deflated, { dictionary: keyframe, maxOutputLength: MAX_BYTES });
    return crc32(text) === crc ? parseText(text, depth) : undefined;
  } catch {
    return undefined;
  }
}
