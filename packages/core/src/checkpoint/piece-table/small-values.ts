/**
 * Small values of a state that has many: each head has them in its contents, beside the places of all others. A head's contents are a
 * difference to a keyframe's, so that a value which has not changed takes next to nothing, and no head has to be read for it. Elsewhere it
 * would be brought along anew again and again, as soon as it is `MAX_REACH` heads back. Pure: no I/O.
 */
import { isUtf8 } from "node:buffer";
import type { Dumped } from "../bytes/codec.ts";
import { isText, type Slice, type TextSegment, whole } from "./slices.ts";

/** The length in bytes below which a value is kept whole or not at all, and is small. */
export const SMALL_BYTES = 128;
/** The number of small values from which they are in the contents. */
const MANY = 16;
/** Bytes of contents for each channel beside its name and its value: its place in extents, its CRC-32, its version. */
const PLACE_BYTES = 48;
/** Bytes that a text takes in the contents: characters have up to three bytes, and some are escaped in JSON. */
const bytesInText = (text: string): number => Buffer.byteLength(JSON.stringify(text));

/** Names of the channels whose values are to be in the contents; none where all together, and the names of the others, take more than `room` bytes. */
export function smallValues(values: Map<string, Dumped>, room: number): Set<string> {
  const small = [...values].filter(([, { bytes }]) => bytes.length > 0 && bytes.length < SMALL_BYTES && isUtf8(bytes));
  const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0);
  const taken = sum([...values.keys()].map((name) => bytesInText(name) + PLACE_BYTES));
  const text = sum(small.map(([, { bytes }]) => bytesInText(bytes.toString())));
  return new Set(small.length >= MANY && taken + text <= room ? small.map(([name]) => name) : []);
}

export const toText = (bytes: Buffer): TextSegment => ({ text: bytes.toString(), size: bytes.length });

export const inText = (bytes: Buffer): Slice[] => [whole(toText(bytes))];

export const isInText = (slices: Slice[]): boolean => slices.some(({ segment }) => isText(segment));
