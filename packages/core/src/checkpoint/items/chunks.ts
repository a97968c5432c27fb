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
import { type Expiry, kept } from "./expiry.ts";
import { blobPartKey, blobPartsOf } from "./keys.ts";
import type { Objects } from "./objects.ts";

/** Stored either as bytes, or as a reference to `count` parts, here or in a blob store, with the SHA-256 of their bytes, base64url. */
export type Chunked = Uint8Array | { id: string; count: number; sha256: string };

const PART_BYTES = 350_000;

export class Chunks {
  private readonly table: Table;
  private readonly codec: Codec;
  private readonly objects: Objects;

  constructor(table: Table, codec: Codec, objects: Objects) {
    this.table = table;
    this.codec = codec;
    this.objects = objects;
  }

  /** Stores what does not fit into `inlineBytes`; what is returned belongs into the item whose key is `owner`. */
  async write(owner: Key, bytes: Uint8Array, inlineBytes: number, expiry: Expiry): Promise<Chunked> {
    const stored = await this.codec.encode(bytes, owner);
    if (stored.length <= Math.min(inlineBytes, this.objects.fromBytes)) return stored;
    const id = randomUUID();
    const count = Math.ceil(stored.length / PART_BYTES);
    const items = await Promise.all(
      Array.from({ length: count }, async (_, index): Promise<Item> => {
        const key = blobPartKey(owner.pk, id, index);
        const data = stored.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
        const o = await this.objects.put(key, data, expiry);
        return { ...key, ...(o === undefined ? { data } : { o }), ...kept(expiry) };
      }),
    );
    await this.table.putAll(items);
    return { id, count, sha256: digest(stored) };
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
    const items: Item[] = [];
    for await (const item of this.table.query({ pk, prefix: blobPartsOf(blob.id) })) items.push(item);
    const found = items.map(({ data, o }) => (typeof o === "string" ? this.objects.get(o) : (data as Uint8Array)));
    const parts = (await Promise.all(found)).filter((part) => part !== undefined);
    const stored = Buffer.concat(parts);
    if (parts.length !== blob.count || digest(stored) !== blob.sha256) throw corrupt(what);
    return stored;
  }
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64url");
