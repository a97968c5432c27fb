/**
 * Values of any size. A small one is stored inside the item that needs it; a large one goes into segment items
 * of its own first, and the item then refers to them. So an item never refers to bytes that are not there, and
 * a crash in between leaves segments that nothing refers to.
 */
import { createHash, randomUUID } from "node:crypto";
import type { Item, Table } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import { decode, encode } from "./codec.ts";
import { partition, segmentKey, segmentsOf } from "./keys.ts";

/** Stored either as bytes, or as a reference to `count` segments with the SHA-256 of their bytes, base64url. */
export type Blob = Uint8Array | { segments: string; count: number; sha256: string };

const SEGMENT_BYTES = 350_000;

export class Blobs {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  /** Stores what does not fit into `inlineBytes`; what is returned belongs into the item. */
  async write(threadId: string, bytes: Uint8Array, inlineBytes: number, expiry: object): Promise<Blob> {
    const stored = await encode(bytes);
    if (stored.length <= inlineBytes) return stored;
    const segments = randomUUID();
    const items: Item[] = [];
    for (let from = 0; from < stored.length; from += SEGMENT_BYTES)
      items.push({
        ...segmentKey(threadId, segments, items.length),
        data: stored.subarray(from, from + SEGMENT_BYTES),
        ...expiry,
      });
    await this.table.putAll(items);
    return { segments, count: items.length, sha256: digest(stored) };
  }

  /** Throws `store-corrupt` naming `what` when bytes are missing or not those that were written. */
  async read(threadId: string, blob: Blob, what: string): Promise<Uint8Array> {
    const stored = blob instanceof Uint8Array ? blob : await this.join(threadId, blob, what);
    const bytes = await decode(stored);
    if (!bytes) throw corrupt(what);
    return bytes;
  }

  private async join(threadId: string, blob: Exclude<Blob, Uint8Array>, what: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    const range = { pk: partition(threadId), prefix: segmentsOf(blob.segments) };
    for await (const item of this.table.query(range)) parts.push(item.data as Uint8Array);
    const stored = Buffer.concat(parts);
    if (parts.length !== blob.count || digest(stored) !== blob.sha256) throw corrupt(what);
    return stored;
  }
}

export const corrupt = (what: string): TenureError =>
  new TenureError({ tag: "store-corrupt", store: "dynamodb", what });

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64url");
