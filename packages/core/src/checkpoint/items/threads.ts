/** Threads as a whole: finds those that have checkpoints, and deletes all that is stored of one. */
import { createHash } from "node:crypto";
import type { Key, Table } from "../../dynamo/index.ts";
import { TenureError } from "../../errors.ts";
import { forEach } from "../../parallel.ts";
import type { BlobStore } from "../bytes/blob-store.ts";
import { HEADS, partition, threadOf } from "./keys.ts";

/** Heads are spread over so many partitions of the index. */
const SHARDS = 16;
const shardKey = (shard: number) => `checkpoints#${shard}`;

const LOOKUPS_AT_ONCE = 16;

/** An item's key, and the object that the item names, if it does. */
interface Named extends Key {
  o?: unknown | undefined;
}

export class Threads {
  private readonly table: Table;
  private readonly indexName: string | undefined;
  private readonly blobs: BlobStore | undefined;

  constructor(options: { table: Table; indexName: string | undefined; blobs: BlobStore | undefined }) {
    this.table = options.table;
    this.indexName = options.indexName;
    this.blobs = options.blobs;
  }

  /**
   * Returns the attributes that put a head into the index, if there is one. Only a head that refers to no other is put there: one
   * that does is live no longer than the head at the beginning of what it refers to is kept, so that each live thread is found.
   */
  indexKey({ pk }: Key): { ipk: string; isk: string } | undefined {
    if (this.indexName === undefined) return undefined;
    const shard = (createHash("sha256").update(pk).digest()[0] ?? 0) % SHARDS;
    return { ipk: shardKey(shard), isk: pk };
  }

  /** The ids of all threads that may have checkpoints. The index may be some moments behind. */
  async all(): Promise<Iterable<string>> {
    const found = new Set<string>();
    for await (const { pk } of this.heads()) {
      const thread = threadOf(pk);
      if (thread !== undefined) found.add(thread);
    }
    return found;
  }

  /** Deletes all items of a thread, and the objects that they name. `isDue` is asked once they were found. */
  async deleteAll(threadId: string, isDue: () => Promise<boolean> = async () => true): Promise<void> {
    const items: Named[] = [];
    for await (const { pk, sk, o } of this.table.query({ pk: partition(threadId), withExpired: true }))
      items.push({ pk, sk, o });
    if (items.length > 0 && (await isDue())) await this.erase(items);
  }

  /** Deletes items, and the objects that they name. */
  async erase(items: Named[]): Promise<void> {
    // Objects first: what is cut short is found again by the items that name them.
    await this.eraseObjects(items);
    await this.table.deleteAll(items.map(({ pk, sk }) => ({ pk, sk })));
  }

  /** Deletes the objects that items name. */
  async eraseObjects(items: Named[]): Promise<void> {
    const objects = items.map(({ o }) => o).filter((o) => typeof o === "string");
    if (objects.length > 0 && !this.blobs)
      throw new TenureError({
        tag: "misconfigured",
        problems: [`thread ${threadOf(items[0]?.pk ?? "")} has segments in a blob store: pass \`blobs\` to delete it`],
      });
    if (objects.length > 0) await this.blobs?.deleteAll(objects);
  }

  /** Items with the objects that they name, which are looked for where there is a blob store. */
  async named(keys: Key[]): Promise<Named[]> {
    if (!this.blobs) return keys;
    const found: Named[] = [];
    await forEach(keys, LOOKUPS_AT_ONCE, async (key) => {
      const item = await this.table.get(key);
      if (item) found.push({ ...key, o: item.o });
    });
    return found;
  }

  /** Puts a head into the index, if there is one and the head is not there. */
  async index(key: Key): Promise<void> {
    const place = this.indexKey(key);
    if (!place) return;
    await this.table.update(key, {
      expression: "SET ipk = :ipk, isk = :isk",
      condition: "attribute_exists(pk) AND attribute_not_exists(ipk)",
      names: {},
      values: { ":ipk": place.ipk, ":isk": place.isk },
      isOwn: (found) => found.ipk === place.ipk,
    });
  }

  private async *heads(): AsyncGenerator<Key> {
    if (this.indexName === undefined) yield* this.table.scanKeys(HEADS);
    else for (let shard = 0; shard < SHARDS; shard++) yield* this.table.queryIndex(this.indexName, shardKey(shard));
  }
}
