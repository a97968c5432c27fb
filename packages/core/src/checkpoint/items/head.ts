/**
 * The head of a checkpoint: everything that is its own, in one item. Its one attribute `d` holds a line of JSON and
 * then, one behind the other, the checkpoint without its values, the metadata, and the bytes that this checkpoint is
 * the first to have, channel by channel.
 */
import { crc32 } from "node:zlib";
import type { Dumped } from "../bytes/codec.ts";
import type { Extent, HeadChannel } from "../piece-table/extents.ts";
import type { Shift } from "./order.ts";

export interface Head {
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
  /** The checkpoint, without `id` and `channel_values`. */
  body: Dumped;
  metadata: Dumped;
  channels: Map<string, HeadChannel>;
  /** Inline bytes of channels that it has no longer. */
  retained?: Map<string, Buffer> | undefined;
  /** Tells two heads of one id apart. */
  fingerprint: string;
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
  b: [number, string?];
  m: [number, string?];
  /** Runs, length of the inline bytes, CRC-32 of the value, type. */
  c: Record<string, [Extent[], number, number, string?]>;
  /** Lengths of what is retained. */
  k?: Record<string, number> | undefined;
}

const JSON_TYPE = "json";
const typed = (type: string): [string?] => (type === JSON_TYPE ? [] : [type]);

/** To be coded, and kept as the item's `d`. */
export function encodeHead(head: Omit<Head, "fingerprint">): Buffer {
  const {
    depth,
    parent,
    base,
    shift,
    fence,
    incarnation,
    expiresAt,
    sourcesUntil,
    body,
    metadata,
    channels,
    retained,
  } = head;
  const line: Line = {
    n: depth,
    ...(parent !== undefined && { p: parent }),
    ...(base !== undefined && { s: base }),
    ...(shift && { o: [shift.base, shift.steps] }),
    ...(fence !== undefined && { f: fence }),
    ...(incarnation !== undefined && { g: incarnation }),
    ...(expiresAt !== undefined && { e: expiresAt }),
    ...(sourcesUntil !== undefined && { u: sourcesUntil }),
    b: [body.bytes.length, ...typed(body.type)],
    m: [metadata.bytes.length, ...typed(metadata.type)],
    c: Object.fromEntries(
      [...channels].map(([name, { extents, inline, crc, type }]) => [
        name,
        [extents, inline.length, crc, ...typed(type)],
      ]),
    ),
    ...(retained && { k: Object.fromEntries([...retained].map(([name, { length }]) => [name, length])) }),
  };
  const inline = [...[...channels.values()].map((channel) => channel.inline), ...(retained?.values() ?? [])];
  return Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`), body.bytes, metadata.bytes, ...inline]);
}

/** Undefined when this is not what `encodeHead` makes. */
export function decodeHead(checkpointId: string, payload: Buffer, fingerprint: string): Head | undefined {
  const end = payload.indexOf(10);
  if (end < 0) return undefined;
  const { n, p, s, o, f, g, e, u, b, m, c, k } = JSON.parse(payload.toString("utf8", 0, end)) as Line;
  let at = end + 1;
  const take = (length: number): Buffer => {
    at += length;
    return payload.subarray(at - length, at);
  };
  const dumped = ([length, type = JSON_TYPE]: [number, string?]): Dumped => ({ type, bytes: take(length) });
  const [body, metadata] = [dumped(b), dumped(m)];
  const channels = new Map<string, HeadChannel>();
  for (const [name, [extents, length, crc, type = JSON_TYPE]] of Object.entries(c))
    channels.set(name, { type, extents, inline: take(length), crc });
  const retained = k && new Map(Object.entries(k).map(([name, length]) => [name, take(length)]));
  return {
    checkpointId,
    depth: n,
    ...(p !== undefined && { parent: p }),
    ...(s !== undefined && { base: s }),
    ...(o && { shift: { base: o[0], steps: o[1] } }),
    ...(f !== undefined && { fence: f }),
    ...(g !== undefined && { incarnation: g }),
    ...(e !== undefined && { expiresAt: e }),
    ...(u !== undefined && { sourcesUntil: u }),
    body,
    metadata,
    channels,
    ...(retained && { retained }),
    fingerprint,
  };
}

/** The inline segments of a head by channel, of which others may have slices. */
export const inlineOf = ({
  channels,
  retained = new Map(),
}: Pick<Head, "channels" | "retained">): Map<string, Buffer> =>
  new Map([...[...channels].map(([name, { inline }]) => [name, inline] as const), ...retained]);

/** Of the coded bytes: their length and CRC-32. */
export const fingerprintOf = (d: Uint8Array): string => `${d.length}-${crc32(d)}`;
