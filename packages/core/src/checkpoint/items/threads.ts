/** Threads as a whole: finds those that have checkpoints, and deletes all that is stored of one. */
import { createHash } from "node:crypto";
import type { Key, Table } from "../../dynamo/index.ts";
import { TenureError } from "../../errors.ts";
import type { BlobStore } from "../bytes/blob-store.ts";
import { HEADS, partition, threadOf } from "./keys.ts";

/** Heads are spread over so many partitions of the index. */
const SHARDS = 16;
const shardKey = (shard: number) => `checkpoints#${shard}`;

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
    const keys: Key[] = [];
    const objects: string[] = [];
    for await (const { pk, sk, o } of this.table.query({ pk: partition(threadId), withExpired: true })) {
      keys.push({ pk, sk });
      if (typeof o === "string") objects.push(o);
    }
    if (keys.length === 0 || !(await isDue())) return;
    if (objects.length > 0 && !this.blobs)
      throw new TenureError({
        tag: "misconfigured",
        problems: [`thread ${threadId} has segments in a blob store: pass \`blobs\` to delete it`],
      });
    // Objects first: what is cut short is found again by the items that name them.
    if (objects.length > 0) await this.blobs?.deleteAll(objects);
    await this.table.deleteAll(keys);
  }

  private async *heads(): AsyncGenerator<Key> {
    if (this.indexName === undefined) yield* this.table.scanKeys(HEADS);
    else for (let shard = 0; shard < SHARDS; shard++) yield* this.table.queryIndex(this.indexName, shardKey(shard));
  }
}
