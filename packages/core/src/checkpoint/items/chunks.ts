/**
 * Values of any size. A small one is stored inside the item that needs it; a large one goes into items
 * of its own first, and the item then refers to them. So an item never refers to bytes that are not there, and
 * a crash in between leaves parts that nothing refers to.
 */
import { createHash, randomUUID } from "node:crypto";
import type { Item, Key, Table } from "../../dynamo/index.ts";
import { isTenureError } from "../../errors.ts";
import type { Codec } from "../bytes/codec.ts";
import { corrupt } from "../corrupt.ts";
import { blobPartKey, blobPartsOf } from "./keys.ts";

/** Stored either as bytes, or as a reference to `count` parts with the SHA-256 of their bytes, base64url. */
export type Chunked = Uint8Array | { id: string; count: number; sha256: string };

const PART_BYTES = 350_000;

export class Chunks {
  private readonly table: Table;
  private readonly codec: Codec;

  constructor(table: Table, codec: Codec) {
    this.table = table;
    this.codec = codec;
  }

  /** Stores what does not fit into `inlineBytes`; what is returned belongs into the item whose key is `owner`. */
  async write(owner: Key, bytes: Uint8Array, inlineBytes: number, expiry: object): Promise<Chunked> {
    const stored = await this.codec.encode(bytes, owner);
    if (stored.length <= inlineBytes) return stored;
    const id = randomUUID();
    const items: Item[] = [];
    for (let from = 0; from < stored.length; from += PART_BYTES)
      items.push({
        ...blobPartKey(owner.pk, id, items.length),
        data: stored.subarray(from, from + PART_BYTES),
        ...expiry,
      });
    await this.table.putAll(items);
    return { id, count: items.length, sha256: digest(stored) };
  }

  /** Throws `store-corrupt` naming `what` when bytes are missing or not those that were written. */
  async read(owner: Key, blob: Chunked, what: string): Promise<Uint8Array> {
    const stored = blob instanceof Uint8Array ? blob : await this.join(owner.pk, blob, what);
    const bytes = await this.codec.decode(stored, owner);
    if (!bytes) throw corrupt(what);
    return bytes;
  }

  /** The same; undefined when they cannot be read. */
  async readWhole(owner: Key, blob: Chunked): Promise<Uint8Array | undefined> {
    try {
      return await this.read(owner, blob, "");
    } catch (error) {
      if (isTenureError(error, "store-corrupt")) return undefined;
      throw error;
    }
  }

  private async join(pk: string, blob: Exclude<Chunked, Uint8Array>, what: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    const range = { pk, prefix: blobPartsOf(blob.id) };
    for await (const item of this.table.query(range)) parts.push(item.data as Uint8Array);
    const stored = Buffer.concat(parts);
    if (parts.length !== blob.count || digest(stored) !== blob.sha256) throw corrupt(what);
    return stored;
  }
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64url");
