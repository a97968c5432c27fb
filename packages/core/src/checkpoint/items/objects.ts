/** Large bytes of items: in the table, or as objects in a blob store, which the item then names in `o`. */
import type { Key } from "../../dynamo/index.ts";
import { TenureError } from "../../errors.ts";
import { type BlobOptions, blobName } from "../bytes/blob-store.ts";
import type { Expiry } from "./expiry.ts";

const FROM_BYTES = 8192;

export class Objects {
  private readonly blobs: BlobOptions | undefined;

  constructor(blobs: BlobOptions | undefined) {
    this.blobs = blobs;
  }

  /** The length in bytes above which something goes into an object; infinite without a blob store. */
  get fromBytes(): number {
    return this.blobs ? (this.blobs.fromBytes ?? FROM_BYTES) : Infinity;
  }

  /**
   * Resolves to the name of the object that has the coded bytes of an item from now on; undefined when the item itself is to have them:
   * they are few, or it is not known for how long they are kept.
   */
  async put(key: Key, coded: Uint8Array, { keptUntil, keptMs }: Expiry): Promise<string | undefined> {
    if (!this.blobs || coded.length <= this.fromBytes) return undefined;
    if (keptUntil !== undefined && keptMs === undefined) return undefined;
    const name = blobName(key, keptMs);
    await this.blobs.store.put(name, coded);
    return name;
  }

  /** Undefined when there is none. Throws `misconfigured` without a blob store. */
  async get(name: string): Promise<Uint8Array | undefined> {
    if (!this.blobs)
      throw new TenureError({ tag: "misconfigured", problems: [`${name} is in a blob store: pass \`blobs\``] });
    return this.blobs.store.get(name);
  }

  /** Deletes an object that nothing refers to. One that stays is removed with its kind by a lifecycle rule. */
  async forget(name: string): Promise<void> {
    await this.blobs?.store.deleteAll([name]).catch(() => {});
  }
}
