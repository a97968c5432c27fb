/**
 * Bytes in S3, as `BlobStore` of `@tenure/core/checkpoint` wants them. The one importer of `@aws-sdk/client-s3`, which is
 * there only for those who use this. Objects are deleted by whoever names them, and those of threads that expired by the
 * bucket's lifecycle rules: see docs/storage-format.md.
 *
 * @example
 * import { S3Client } from "@aws-sdk/client-s3";
 * import { DynamoDBSaver } from "@tenure/core/checkpoint";
 * import { connectDynamo } from "@tenure/core/dynamo";
 * import { S3Blobs } from "@tenure/core/s3";
 *
 * const blobs = { store: new S3Blobs({ client: new S3Client({}), bucket: "my-segments" }) };
 * const checkpointer = new DynamoDBSaver({ client: connectDynamo({}), tableName: "agents", blobs });
 */
import { DeleteObjectsCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { withDeadline } from "../deadline.ts";
import { TenureError } from "../errors.ts";

export interface S3BlobsOptions {
  /** Never closed here. */
  client: S3Client;
  bucket: string;
  /** The text that every object's key begins with, its last slash included. Default: nothing. */
  prefix?: string | undefined;
  /** The time that one request may take in milliseconds, its retries included. Default 10,000. */
  deadlineMs?: number | undefined;
}

/** The number of keys that one request may delete. */
const DELETE_AT_ONCE = 1000;

/** Every method throws `store-unavailable` when S3 does not answer in time, or not as it should. */
export class S3Blobs {
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly prefix: string;
  private readonly deadlineMs: number;

  constructor({ client, bucket, prefix = "", deadlineMs = 10_000 }: S3BlobsOptions) {
    this.client = client;
    this.bucket = bucket;
    this.prefix = prefix;
    this.deadlineMs = deadlineMs;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const command = new PutObjectCommand({ Bucket: this.bucket, Key: this.prefix + name, Body: bytes });
    await this.attempt((abortSignal) => this.client.send(command, { abortSignal }), "unknown");
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const command = new GetObjectCommand({ Bucket: this.bucket, Key: this.prefix + name });
    try {
      return await withDeadline(this.deadlineMs, async (abortSignal) => {
        const { Body } = await this.client.send(command, { abortSignal });
        // The client's own limit ends with the headers.
        return await unlessAborted(abortSignal, Body?.transformToByteArray());
      });
    } catch (cause) {
      if (cause instanceof Error && cause.name === "NoSuchKey") return undefined;
      throw unavailable("not-applied", cause);
    }
  }

  async deleteAll(names: string[]): Promise<void> {
    for (let from = 0; from < names.length; from += DELETE_AT_ONCE) {
      const Objects = names.slice(from, from + DELETE_AT_ONCE).map((name) => ({ Key: this.prefix + name }));
      const command = new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects, Quiet: true } });
      const { Errors = [] } = await this.attempt(
        (abortSignal) => this.client.send(command, { abortSignal }),
        "unknown",
      );
      if (Errors.length > 0) throw unavailable("unknown", Errors[0]);
    }
  }

  private async attempt<T>(
    request: (abortSignal: AbortSignal) => Promise<T>,
    outcome: "not-applied" | "unknown",
  ): Promise<T> {
    try {
      return await withDeadline(this.deadlineMs, request);
    } catch (cause) {
      throw unavailable(outcome, cause);
    }
  }
}

/** Rejects as soon as the signal is aborted, whatever the work does. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T> | undefined): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", stop));
  });
}

const unavailable = (outcome: "not-applied" | "unknown", cause: unknown) =>
  new TenureError({ tag: "store-unavailable", store: "s3", outcome }, { cause });
