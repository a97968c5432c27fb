import { createHash, randomBytes } from "node:crypto";
import type { Key } from "../../dynamo/index.ts";

/**
 * Where large segments may be kept instead of in DynamoDB: S3, which is cheaper from about 8 KB on. Objects are
 * immutable: one is put before anything refers to it, and names are never used again.
 */
export interface BlobStore {
  /**
   * Keeps the bytes; they are there for every reader when this resolves. Unknown outcome: an object may be there that
   * nothing refers to.
   */
  put(name: string, bytes: Uint8Array): Promise<void>;

  /** Undefined when there is none. */
  get(name: string): Promise<Uint8Array | undefined>;

  /** Absent ones do no harm. When it throws, some may have been deleted. */
  deleteAll(names: string[]): Promise<void>;
}

export interface BlobOptions {
  store: BlobStore;
  /** Segments that take more than this, coded, in bytes, go there. Default 8192. */
  fromBytes?: number | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * `<for how long>/<thread>/<random>`, for example `60d/…` or `forever/…`: DynamoDB's TTL deletes no objects, so each first
 * part with a number wants a lifecycle rule that deletes what is as many days old, and one more.
 */
export function blobName({ pk }: Key, keptMs: number | undefined): string {
  const term = keptMs === undefined ? "forever" : `${Math.ceil(keptMs / DAY_MS)}d`;
  const thread = createHash("sha256").update(pk).digest("base64url").slice(0, 22);
  return `${term}/${thread}/${randomBytes(12).toString("base64url")}`;
}
