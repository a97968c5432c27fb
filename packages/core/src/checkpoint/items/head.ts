/**
 * The head of a checkpoint: everything that is its own, in one item. Its one attribute `d` holds a line of JSON and
 * then, one behind the other, the checkpoint without its values, the metadata, and the bytes that this checkpoint is
 * the first to have, channel by channel. The contents may be a difference to those of another head: see contents.ts.
 */
import { crc32 } from "node:zlib";
import type { Dumped } from "../bytes/codec.ts";
import type { Extent, HeadChannel } from "../piece-table/extents.ts";
import { type Contents, type Difference, isLong, type Keyframe, textOf } from "./contents.ts";
import type { Shift } from "./order.ts";

interface Common {
  checkpointId: string;
  /** The number of heads before it, on the way to its root. */
  depth: number;
  parent?: string | undefined;
  /** The head before it, where that is not its parent's: a checkpoint that was put again keeps the position that it had. */
  base?: string | undefined;
  /** Where its position is not its id: see order.ts. */
  shift?: Shift | undefined;
  /** The fence of the lease under which it was put, if there was one. */
  fence?: number | undefined;
  /** Which incarnation of the thread it belongs to: see tombstone.ts. */
  incarnation?: string | undefined;
  /** Epoch seconds from which it is absent, though others may still need its bytes; never when left out. */
  expiresAt?: number | undefined;
  /** Epoch seconds until which all that it refers to is kept, at least; for good when left out. */
  sourcesUntil?: number | undefined;
  metadata: Dumped;
  /** The bytes that it brings along, by channel, of which others may have slices; also those of channels that it has no longer. */
  inline: Map<string, Buffer>;
  /** The text that a keyframe had before it was put again. */
  original?: Buffer | undefined;
  /** Tells two heads of one id apart. */
  fingerprint: string;
}

export interface Head extends Common {
  contents: Contents;
  /** The keyframe that its contents are stored as a difference to, if they are. */
  keyframe?: Keyframe | undefined;
}

/** A head as it was read: where it has a difference, its keyframe is still to be looked for. */
export interface StoredHead extends Common {
  contents: Contents | Difference;
}

/** Keys are short because each is stored with every superstep. */
interface Line {
  n: number;
  p?: string | undefined;
  s?: string | undefined;
  o?: [base: string, steps: number] | undefined;
  f?: number | undefined;
  g?: string | undefined;
  e?: number | undefined;
  u?: number | undefined;
  /** Length and type; the type is left out when it is "json". */
  m: [number, string?];
  b?: [number, string?] | undefined;
  /** Extents, length of the inline bytes, CRC-32 of the value, type. */
  c?: Record<string, [Extent[], number, number, string?]> | undefined;
  /** Lengths of the inline bytes of channels that it has no longer; of all channels where it has no `c`. */
  k?: Record<string, number> | undefined;
  /** In the place of `b` and `c`: the keyframe, the length of the difference, and the CRC-32 of the text. */
  t?: [keyframe: string, length: number, crc: number] | undefined;
  /** Length of the original text. */
  r?: number | undefined;
}

const JSON_TYPE = "json";
const typed = (type: string): [string?] => (type === JSON_TYPE ? [] : [type]);
const NONE = Buffer.alloc(0);

export const isDifference = (contents: Contents | Difference): contents is Difference => "keyframe" in contents;

/** To be coded, and kept as the item's `d`. */
export function encodeHead(head: Omit<StoredHead, "fingerprint">): Buffer {
  const { depth, parent, base, shift, fence, incarnation, expiresAt, sourcesUntil } = head;
  const { contents, metadata, inline, original } = head;
  const about = isDifference(contents) ? { deflated: contents.deflated, channels: undefined } : contents;
  const places = about.channels && Object.fromEntries(about.channels);
  const others = Object.fromEntries([...inline].filter(([name]) => !about.channels?.has(name)));
  const line: Line = {
    n: depth,
    ...(parent !== undefined && { p: parent }),
    ...(base !== undefined && { s: base }),
    ...(shift && { o: [shift.base, shift.steps] }),
    ...(fence !== undefined && { f: fence }),
    ...(incarnation !== undefined && { g: incarnation }),
    ...(expiresAt !== undefined && { e: expiresAt }),
    ...(sourcesUntil !== undefined && { u: sourcesUntil }),
    ...(isDifference(contents)
      ? { t: [contents.keyframe, contents.deflated.length, contents.crc] }
      : { b: [contents.body.bytes.length, ...typed(contents.body.type)] }),
    m: [metadata.bytes.length, ...typed(metadata.type)],
    ...(places && {
      c: mapValues(places, ({ extents, crc, type }, name) => [
        extents,
        inline.get(name)?.length ?? 0,
        crc,
        ...typed(type),
      ]),
    }),
    ...(Object.keys(others).length > 0 && { k: mapValues(others, ({ length }) => length) }),
    ...(original && { r: original.length }),
  };
  // In the order of the line's names: an object has names that are numbers first.
  const bytes = [...Object.keys(places ?? {}), ...Object.keys(others)].map((name) => inline.get(name) ?? NONE);
  const first = isDifference(contents) ? contents.deflated : contents.body.bytes;
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(line)}\n`),
    ...[first, metadata.bytes],
    ...bytes,
    ...(original ? [original] : []),
  ]);
}

/** Undefined when this is not what `encodeHead` makes. */
export function decodeHead(checkpointId: string, payload: Buffer, fingerprint: string): StoredHead | undefined {
  const end = payload.indexOf(10);
  if (end < 0) return undefined;
  const { n, p, s, o, f, g, e, u, b, m, c, k, t, r } = JSON.parse(payload.toString("utf8", 0, end)) as Line;
  let at = end + 1;
  const take = (length: number): Buffer => {
    at += length;
    return payload.subarray(at - length, at);
  };
  const dumped = ([length, type = JSON_TYPE]: [number, string?]): Dumped => ({ type, bytes: take(length) });
  const difference = t && { keyframe: t[0], deflated: take(t[1]), crc: t[2] };
  const body = b && dumped(b);
  const metadata = dumped(m);
  const channels = new Map<string, HeadChannel>();
  const inline = new Map<string, Buffer>();
  for (const [name, [extents, length, crc, type = JSON_TYPE]] of Object.entries(c ?? {})) {
    channels.set(name, { type, extents, crc });
    if (length > 0) inline.set(name, take(length));
  }
  for (const [name, length] of Object.entries(k ?? {})) inline.set(name, take(length));
  const contents = difference ?? (body && { body, channels });
  return (
    contents && {
      checkpointId,
      depth: n,
      ...(p !== undefined && { parent: p }),
      ...(s !== undefined && { base: s }),
      ...(o && { shift: { base: o[0], steps: o[1] } }),
      ...(f !== undefined && { fence: f }),
      ...(g !== undefined && { incarnation: g }),
      ...(e !== undefined && { expiresAt: e }),
      ...(u !== undefined && { sourcesUntil: u }),
      contents,
      metadata,
      inline,
      ...(r !== undefined && { original: take(r) }),
      fingerprint,
    }
  );
}

/** The text that differences to this head were made to; undefined where it keeps none. */
export function keyframeText({
  contents,
  depth,
  original,
}: StoredHead | Omit<Head, "fingerprint">): Buffer | undefined {
  if (original || isDifference(contents)) return original;
  return textOf(contents, depth);
}

function mapValues<A, B>(record: Record<string, A>, to: (value: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value, name)]));
}

/** The keyframe of the children of a head: its own, or the head itself where it is one; undefined where its children are to be whole. */
export function keyframeFor({ checkpointId, depth, contents, keyframe, original }: Head): Keyframe | undefined {
  if (keyframe || original) return keyframe;
  const text = textOf(contents, depth);
  return isLong(text) ? { checkpointId, depth, text } : undefined;
}

/** Of the coded bytes: their length and CRC-32. */
export const fingerprintOf = (d: Uint8Array): string => `${d.length}-${crc32(d)}`;
