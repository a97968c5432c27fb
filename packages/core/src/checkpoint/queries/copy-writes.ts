/** Copies pending writes to another thread. Those that are differences to their checkpoint are stored whole there. */
import type { Item, Key, Table } from "../../dynamo/index.ts";
import type { Codec } from "../bytes/codec.ts";
import { packOf, parsePack, wholePack } from "../bytes/packs.ts";
import { unlessCorrupt } from "../corrupt.ts";
import type { Chunked, Chunks } from "../items/chunks.ts";
import { type Expiry, kept } from "../items/expiry.ts";
import type { Heads } from "../items/heads.ts";
import { checkpointOf, namespaceOf, partition, threadOf } from "../items/keys.ts";
import { FENCE } from "../items/pending-writes.ts";
import { isDifference, wholeType } from "../piece-table/difference.ts";

export interface WritesCopying {
  table: Table;
  codec: Codec;
  heads: Heads;
  /** Where large pending writes are. */
  chunks: Chunks;
  /** The lifetime of the copy. */
  expiry: Expiry;
}

/** Puts are made of so many items, each a few batches. */
export const PUT_AT_ONCE = 100;
/** The length in bytes of a write that a copy has in its item; larger ones are in chunks. */
const INLINE_BYTES = 20_000;

/** A write that cannot be read is left out: its task is then done again. */
export async function copyWrites(
  { table, codec, chunks, heads, expiry }: WritesCopying,
  to: string,
  writes: Item[],
): Promise<void> {
  for (let at = 0; at < writes.length; at += PUT_AT_ONCE) {
    const moved = await Promise.all(writes.slice(at, at + PUT_AT_ONCE).map(move));
    await table.putAll(moved.filter((item) => item !== undefined));
  }

  async function move({ pk, sk, path, pack, expiresAt: _, [FENCE]: __, ...fields }: Item): Promise<Item | undefined> {
    const [source, target] = [
      { pk, sk },
      { pk: partition(to), sk },
    ];
    const item: Item = { ...target, path, ...kept(expiry) };
    // Differences are stored whole: the copy need not have all that they refer to.
    const ref = { threadId: threadOf(pk) ?? "", namespace: namespaceOf(sk), checkpointId: checkpointOf(sk) };
    const expand = (bytes: Uint8Array) => heads.expand(ref, bytes).catch(unlessCorrupt);
    if (pack !== undefined) {
      const blob = await movePack(pack as Chunked, source, target, expand);
      if (!blob) return undefined;
      item.pack = blob;
    }
    for (const [name, write] of Object.entries(fields)) {
      if (!Array.isArray(write)) return undefined;
      const [channel, type, value, ...run] = write;
      const whole = isDifference(type);
      const blob = whole
        ? await moveWhole(await read(value as Chunked, source).then((bytes) => bytes && expand(bytes)), target)
        : await moveBlob(value as Chunked, source, target);
      if (!blob) return undefined;
      item[name] = [channel, whole ? wholeType(type) : type, blob, ...run];
    }
    return item;
  }

  async function read(blob: Chunked, source: Key): Promise<Uint8Array | undefined> {
    return chunks.read(source, blob, "a pending write").catch(unlessCorrupt);
  }

  async function moveWhole(bytes: Uint8Array | undefined, target: Key): Promise<Chunked | undefined> {
    return bytes && chunks.write(target, bytes, INLINE_BYTES, expiry);
  }

  async function movePack(
    pack: Chunked,
    source: Key,
    target: Key,
    expand: (bytes: Uint8Array) => Promise<Uint8Array | undefined>,
  ): Promise<Chunked | undefined> {
    const bytes = await read(pack, source);
    const packed = bytes && parsePack(bytes, "a pack of pending writes");
    if (!packed?.some(([, , type]) => isDifference(type))) return moveBlob(pack, source, target);
    const whole = await wholePack(packed, expand);
    return whole.some(([, , type]) => isDifference(type)) ? undefined : moveWhole(packOf(whole), target);
  }

  async function moveBlob(blob: Chunked, source: Key, target: Key): Promise<Chunked | undefined> {
    if (blob instanceof Uint8Array) return codec.recode(blob, source, target);
    const bytes = await chunks.readWhole(source, blob);
    return bytes && chunks.write(target, bytes, 0, expiry);
  }
}
