import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  copyCheckpoint,
  getCheckpointId,
  maxChannelVersion,
  type PendingWrite,
  type SerializerProtocol,
  TASKS,
} from "@langchain/langgraph-checkpoint";
import { type Clock, systemClock } from "../clock.ts";
import {
  asDocumentClient,
  type DynamoDBClient,
  type DynamoDBDocumentClient,
  type Item,
  Table,
} from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import { type Blob, Blobs } from "./blobs.ts";
import { type CheckpointRef, HEADS, headKey, headsOf, parseHeadKey, partition, threadOf } from "./keys.ts";
import { type Expiry, PendingWrites } from "./pending-writes.ts";

export interface DynamoDBSaverOptions {
  /** A DynamoDB client or document client; the saver never closes it. */
  client: DynamoDBClient | DynamoDBDocumentClient;
  /** A table with the string keys `pk` and `sk`, and TTL on `expiresAt` (epoch seconds) if `ttlMs` is set. */
  tableName: string;
  /** How long a checkpoint lives after it was written, in milliseconds; for good when left out. */
  ttlMs?: number;
  /** LangGraph's JSON serializer when left out. */
  serde?: SerializerProtocol;
  clock?: Clock;
}

/** What fits into a head beside the other blob, within DynamoDB's 400 KB per item. */
const INLINE_BYTES = 150_000;

/**
 * A LangGraph checkpointer on DynamoDB.
 *
 * Once `put` or `putWrites` has resolved, what it stored survives any crash; when it is cut short, the previous
 * checkpoint is still the latest and whole. Reads are consistent. An expired checkpoint is never returned,
 * whether or not DynamoDB has deleted it. Throws `store-unavailable` when DynamoDB does not answer in time,
 * `store-corrupt` when stored bytes are missing or damaged, `invalid-input` when the config lacks a key.
 */
export class DynamoDBSaver extends BaseCheckpointSaver {
  private readonly table: Table;
  private readonly blobs: Blobs;
  private readonly pendingWrites: PendingWrites;
  private readonly ttlMs: number | undefined;
  private readonly clock: Clock;

  constructor({ client, tableName, ttlMs, serde, clock = systemClock }: DynamoDBSaverOptions) {
    super(serde);
    this.clock = clock;
    this.ttlMs = ttlMs;
    this.table = new Table({ client: asDocumentClient(client), tableName, clock });
    this.blobs = new Blobs(this.table);
    this.pendingWrites = new PendingWrites(this.table, this.blobs, this.serde);
  }

  /** The checkpoint that the config names, or the latest of its thread and namespace. */
  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const threadId = text(config, "thread_id");
    if (threadId === undefined) return undefined;
    const namespace = text(config, "checkpoint_ns") ?? "";
    const checkpointId = getCheckpointId(config);
    const head = checkpointId
      ? await this.table.get(headKey({ threadId, namespace, checkpointId }))
      : await this.latest(threadId, namespace);
    return head && this.toTuple(head);
  }

  /** Newest first within a namespace. Without a `thread_id` it reads the whole table. */
  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { before, filter, limit = Infinity } = options;
    const namespace = text(config, "checkpoint_ns");
    const only = getCheckpointId(config);
    const beforeId = before && getCheckpointId(before);
    let left = limit;
    for (const threadId of await this.threadsOf(config)) {
      const range = { pk: partition(threadId), prefix: namespace === undefined ? HEADS : headsOf(namespace) };
      for await (const head of this.table.query({ ...range, descending: true })) {
        if (left <= 0) return;
        const { checkpointId } = parseHeadKey(head);
        if ((only && checkpointId !== only) || (beforeId && checkpointId >= beforeId)) continue;
        const tuple = await this.toTuple(head);
        const metadata = (tuple.metadata ?? {}) as Record<string, unknown>;
        if (filter && !Object.entries(filter).every(([key, value]) => metadata[key] === value)) continue;
        left -= 1;
        yield tuple;
      }
    }
  }

  async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const ref = {
      threadId: required(config, "thread_id", "put a checkpoint"),
      namespace: text(config, "checkpoint_ns") ?? "",
      checkpointId: checkpoint.id,
    };
    const expiry = this.expiry();
    const parent = text(config, "checkpoint_id");
    const stored = parent === undefined ? await this.withoutStrayValues(ref, checkpoint, newVersions) : checkpoint;
    const [body, about] = await Promise.all([
      this.dump(ref.threadId, copyCheckpoint(stored), expiry),
      this.dump(ref.threadId, metadata, expiry),
    ]);
    await this.table.put({
      ...headKey(ref),
      v: 1,
      checkpoint: body,
      metadata: about,
      ...(parent !== undefined && { parent }),
      ...expiry,
    });
    return toConfig(ref);
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
    const ref = {
      threadId: required(config, "thread_id", "put writes"),
      namespace: text(config, "checkpoint_ns") ?? "",
      checkpointId: required(config, "checkpoint_id", "put writes"),
    };
    await this.pendingWrites.put(ref, writes, { id: taskId, path: taskPath }, this.expiry());
  }

  /** Deletes everything of a thread. Idempotent; when it throws, call it again. */
  async deleteThread(threadId: string): Promise<void> {
    const keys: { pk: string; sk: string }[] = [];
    for await (const { pk, sk } of this.table.query({ pk: partition(threadId), withExpired: true }))
      keys.push({ pk, sk });
    // Heads first: a thread that is deleted in part has no checkpoint with bytes missing.
    keys.sort((a, b) => Number(b.sk.startsWith(HEADS)) - Number(a.sk.startsWith(HEADS)));
    await this.table.deleteAll(keys);
  }

  private async latest(threadId: string, namespace: string): Promise<Item | undefined> {
    const range = { pk: partition(threadId), prefix: headsOf(namespace), descending: true, pageSize: 1 };
    for await (const head of this.table.query(range)) return head;
    return undefined;
  }

  /**
   * A checkpoint without a parent says by `newVersions` which of its values are its own. Any other one is kept
   * if the thread holds it at that version already, as in a copy of a first checkpoint, and is else left out:
   * LangGraph's validation suite has such values. With a parent, `newVersions` is not to be relied on: a fork
   * passes none and means all.
   */
  private async withoutStrayValues(
    ref: CheckpointRef,
    checkpoint: Checkpoint,
    newVersions: ChannelVersions,
  ): Promise<Checkpoint> {
    const strays = new Set(Object.keys(checkpoint.channel_values).filter((name) => !Object.hasOwn(newVersions, name)));
    if (strays.size === 0) return checkpoint;
    const range = { pk: partition(ref.threadId), prefix: headsOf(ref.namespace) };
    for await (const head of this.table.query(range)) {
      const what = `checkpoint ${parseHeadKey(head).checkpointId} of thread ${ref.threadId}`;
      const known = (await this.load(ref.threadId, head.checkpoint, what)) as Checkpoint;
      for (const name of strays)
        if (
          Object.hasOwn(known.channel_values, name) &&
          known.channel_versions[name] === checkpoint.channel_versions[name]
        )
          strays.delete(name);
    }
    const kept = Object.entries(checkpoint.channel_values).filter(([name]) => !strays.has(name));
    return { ...checkpoint, channel_values: Object.fromEntries(kept) };
  }

  private async threadsOf(config: RunnableConfig): Promise<Iterable<string>> {
    const threadId = text(config, "thread_id");
    if (threadId !== undefined) return [threadId];
    const found = new Set<string>();
    for await (const { pk } of this.table.scanKeys(HEADS)) {
      const thread = threadOf(pk);
      if (thread !== undefined) found.add(thread);
    }
    return found;
  }

  private async toTuple(head: Item): Promise<CheckpointTuple> {
    const ref = parseHeadKey(head);
    const what = `checkpoint ${ref.checkpointId} of thread ${ref.threadId}`;
    const [checkpoint, metadata, pendingWrites] = await Promise.all([
      this.load(ref.threadId, head.checkpoint, what) as Promise<Checkpoint>,
      this.load(ref.threadId, head.metadata, what) as Promise<CheckpointMetadata>,
      this.pendingWrites.read(ref),
    ]);
    const tuple: CheckpointTuple = { config: toConfig(ref), checkpoint, metadata, pendingWrites };
    if (typeof head.parent === "string") {
      const parent = { ...ref, checkpointId: head.parent };
      tuple.parentConfig = toConfig(parent);
      if (checkpoint.v < 4) await this.migratePendingSends(checkpoint, parent);
    }
    return tuple;
  }

  /** Before version 4, sends were pending writes of the parent; since then they are a channel. */
  private async migratePendingSends(checkpoint: Checkpoint, parent: CheckpointRef): Promise<void> {
    const writes = await this.pendingWrites.read(parent);
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_values[TASKS] = writes.filter(([, channel]) => channel === TASKS).map(([, , value]) => value);
    checkpoint.channel_versions[TASKS] = versions.length
      ? maxChannelVersion(...versions)
      : this.getNextVersion(undefined);
  }

  private async dump(threadId: string, value: unknown, expiry: Expiry): Promise<[string, Blob]> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return [type, await this.blobs.write(threadId, bytes, INLINE_BYTES, expiry)];
  }

  private async load(threadId: string, stored: unknown, what: string): Promise<unknown> {
    const [type, blob] = stored as [string, Blob];
    return this.serde.loadsTyped(type, await this.blobs.read(threadId, blob, what));
  }

  private expiry(): Expiry {
    return this.ttlMs === undefined ? {} : { expiresAt: Math.ceil((this.clock.now() + this.ttlMs) / 1000) };
  }
}

function text(config: RunnableConfig, key: string): string | undefined {
  const value: unknown = config.configurable?.[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw new TenureError({ tag: "invalid-input", issues: [`configurable.${key} must be a string`] });
}

function required(config: RunnableConfig, key: string, action: string): string {
  const value = text(config, key);
  if (value) return value;
  const issue = `Cannot ${action}: the config lacks configurable.${key}. Pass { configurable: { ${key}: "..." } }.`;
  throw new TenureError({ tag: "invalid-input", issues: [issue] });
}

function toConfig({ threadId, namespace, checkpointId }: CheckpointRef): RunnableConfig {
  return { configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: checkpointId } };
}
