import { randomBytes } from "node:crypto";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type DeltaChannelHistory,
  getCheckpointId,
  maxChannelVersion,
  type PendingWrite,
  type SerializerProtocol,
  TASKS,
} from "@langchain/langgraph-checkpoint";
import { type Clock, systemClock } from "../clock.ts";
import { asDocumentClient, type DynamoDBClient, type DynamoDBDocumentClient, Table } from "../dynamo/index.ts";
import { isTenureError } from "../errors.ts";
import { Blobs } from "./blobs.ts";
import { required, text, toConfig } from "./config.ts";
import { corrupt } from "./corrupt.ts";
import { deltaHistory } from "./delta-history.ts";
import { earliest, expiryOf, kept, outlives } from "./expiry.ts";
import { encodeHead, fingerprintOf, type Head } from "./head.ts";
import { Heads, type Loaded, type Nearby, toAncestor, toState } from "./heads.ts";
import { inspectThread, type ThreadReport } from "./inspect.ts";
import { type CheckpointRef, HEADS, headKey, partition, threadOf, tombstoneKey } from "./keys.ts";
import { type WantedHeads, wantedHeads } from "./listing.ts";
import { PendingWrites } from "./pending-writes.ts";
import { headChannels, MAX_REACH, plan, type State } from "./plan.ts";
import { Segments } from "./segments.ts";
import { strays } from "./strays.ts";
import { Tombstones } from "./tombstone.ts";
import { Values } from "./values.ts";

export interface DynamoDBSaverOptions {
  /** A DynamoDB client or document client; the saver never closes it. */
  client: DynamoDBClient | DynamoDBDocumentClient;
  /** A table with the string keys `pk` and `sk`, and TTL on `expiresAt` (epoch seconds) if `ttlMs` is set. */
  tableName: string;
  /** How long a checkpoint lives after it was written, in milliseconds; for good when left out. */
  ttlMs?: number;
  /** How many bytes of checkpoints and segments are kept in memory. Default 64 MB. */
  cacheBytes?: number;
  /** LangGraph's JSON serializer when left out. */
  serde?: SerializerProtocol;
  clock?: Clock;
}

const MB = 1024 * 1024;
const DEFAULT_CACHE_BYTES = 64 * MB;

/**
 * A LangGraph checkpointer on DynamoDB.
 *
 * A checkpoint stores what is new in it: the rest is referred to (docs/storage-format.md), so that a superstep costs
 * the same however long its thread is. Once `put` or `putWrites` has resolved, what it stored survives any crash; when
 * it is cut short, the previous checkpoint is still the latest and whole. Reads are consistent. An expired checkpoint is
 * never returned, whether or not DynamoDB has deleted it, and nothing that a live one refers to expires before it.
 * Throws `store-unavailable` when DynamoDB does not answer in time, `store-corrupt` when stored bytes are missing or
 * damaged, `invalid-input` when the config lacks a key or the checkpoint is larger than 16 MB.
 */
export class DynamoDBSaver extends BaseCheckpointSaver {
  private readonly table: Table;
  private readonly heads: Heads;
  private readonly segments: Segments;
  private readonly pendingWrites: PendingWrites;
  private readonly tombstones: Tombstones;
  private readonly values: Values;
  private readonly ttlMs: number | undefined;
  private readonly clock: Clock;

  constructor(options: DynamoDBSaverOptions) {
    const { client, tableName, ttlMs, cacheBytes = DEFAULT_CACHE_BYTES, serde, clock = systemClock } = options;
    super(serde);
    this.clock = clock;
    this.ttlMs = ttlMs;
    this.table = new Table({ client: asDocumentClient(client), tableName, clock });
    const half = Math.max(1, Math.floor(cacheBytes / 2));
    this.segments = new Segments(this.table, half);
    this.heads = new Heads(this.table, this.segments, half);
    this.pendingWrites = new PendingWrites(this.table, new Blobs(this.table), this.serde);
    this.tombstones = new Tombstones(this.table, clock);
    this.values = new Values(this.serde);
  }

  /** The checkpoint that the config names, or the latest of its thread and namespace. */
  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const threadId = text(config, "thread_id");
    if (threadId === undefined) return undefined;
    const namespace = text(config, "checkpoint_ns") ?? "";
    const checkpointId = getCheckpointId(config);
    const nearby: Nearby = new Map();
    const [candidates, life, writesOf] = await Promise.all([
      this.heads.candidates(threadId, namespace, checkpointId, nearby),
      this.tombstones.life(threadId),
      checkpointId
        ? this.pendingWrites.read({ threadId, namespace, checkpointId }).then((writes) => async () => writes)
        : this.pendingWrites.readNewest(threadId, namespace),
    ]);
    for await (const { ref, head } of candidates) {
      if (checkpointId && ref.checkpointId !== checkpointId) return undefined;
      if (!head) throw corrupt(`checkpoint ${ref.checkpointId} of thread ${threadId}`);
      if (!this.isVisible(head, life)) continue;
      const [loaded, writes] = await Promise.all([this.heads.load(ref, head, nearby), writesOf(ref)]);
      return this.toTuple(loaded, writes);
    }
    return undefined;
  }

  /** Newest first within a namespace. Without a `thread_id` it reads the whole table. */
  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { before, filter, limit = Infinity } = options;
    const namespace = text(config, "checkpoint_ns");
    const only = getCheckpointId(config);
    const beforeId = before && getCheckpointId(before);
    let left = limit;
    for (const threadId of await this.threadsOf(config)) {
      const life = await this.tombstones.life(threadId);
      const wants = async ({ checkpointId }: CheckpointRef, head: Head) =>
        this.isVisible(head, life) &&
        (!only || checkpointId === only) &&
        (!beforeId || checkpointId < beforeId) &&
        (!filter || meets(await this.values.metadata(head), filter));
      for await (const group of wantedHeads(this.heads, { threadId, namespace, limit: left }, wants))
        for await (const tuple of this.assemble(threadId, group)) {
          yield tuple;
          if (--left === 0) return;
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
    const parentId = text(config, "checkpoint_id");
    // Serialized at once: the caller may go on changing it.
    const [values, body, about] = await Promise.all([
      this.values.dumpChannels(checkpoint),
      this.values.dumpBody(checkpoint),
      this.values.dump(metadata),
    ]);
    if (parentId === undefined)
      for (const name of await strays(this.heads, this.values, ref, checkpoint, newVersions)) values.delete(name);

    const parent = parentId === undefined ? undefined : await this.parentState({ ...ref, checkpointId: parentId });
    // One whose parent is gone belongs to a life that is over, if the thread was deleted.
    const life = parentId === undefined ? await this.tombstones.life(ref.threadId) : parent?.life;
    const expiry = expiryOf(config, this.ttlMs, this.clock.now());
    const base = parent && outlives(parent, expiry.expiresAt) ? parent : parent && { ...parent, channels: new Map() };
    const planned = plan(base, values, newLineage);
    await this.segments.write(ref.threadId, planned.segments, kept(expiry), newLineage);
    const depth = parent ? parent.depth + 1 : 0;
    const sourcesUntil = base === parent && parent ? earliest(parent.sourcesUntil, parent.keptUntil) : expiry.keptUntil;
    const head: Omit<Head, "fingerprint"> = {
      checkpointId: ref.checkpointId,
      depth,
      ...(parentId !== undefined && { parent: parentId }),
      ...(life !== undefined && { life }),
      ...(expiry.expiresAt !== undefined && { expiresAt: expiry.expiresAt }),
      ...(sourcesUntil !== undefined && { sourcesUntil }),
      body,
      metadata: about,
      channels: headChannels(planned, depth, parent),
    };
    const d = await encodeHead(head);
    const loaded = { ref, head: { ...head, fingerprint: fingerprintOf(d) } };
    const item = { ...headKey(ref), d, ...kept(expiry) };
    if (!(await this.table.putNew(item)) && !(await this.heads.isStored(loaded))) await this.table.put(item);
    const lineage = [...(parent?.lineage ?? []), toAncestor(head)].slice(-MAX_REACH - 1);
    this.heads.keep({ ...loaded, state: toState(head, expiry.keptUntil, lineage, planned.channels) });
    return toConfig(ref);
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
    const ref = {
      threadId: required(config, "thread_id", "put writes"),
      namespace: text(config, "checkpoint_ns") ?? "",
      checkpointId: required(config, "checkpoint_id", "put writes"),
    };
    await this.pendingWrites.put(
      ref,
      writes,
      { id: taskId, path: taskPath },
      kept(expiryOf(config, this.ttlMs, this.clock.now())),
    );
  }

  /**
   * What the checkpoints before the one in question wrote to these channels, back to where their values were stored
   * whole. It takes one query for a hundred heads and one for their writes, not one for each ancestor.
   */
  override async getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const { config, channels } = options;
    const threadId = required(config, "thread_id", "read a channel's history");
    const namespace = text(config, "checkpoint_ns") ?? "";
    const of = { threadId, namespace, checkpointId: getCheckpointId(config) };
    return deltaHistory({ heads: this.heads, values: this.values, pendingWrites: this.pendingWrites }, of, channels);
  }

  /** What a thread takes up. Reads all of it. */
  inspect(threadId: string): Promise<ThreadReport> {
    return inspectThread(this.table, threadId);
  }

  /** Deletes everything of a thread. Idempotent; when it throws, call it again. */
  async deleteThread(threadId: string): Promise<void> {
    await this.tombstones.bury(threadId);
    const keys: { pk: string; sk: string }[] = [];
    const tombstone = tombstoneKey(threadId).sk;
    for await (const { pk, sk } of this.table.query({ pk: partition(threadId), withExpired: true }))
      if (sk !== tombstone) keys.push({ pk, sk });
    await this.table.deleteAll(keys);
    this.heads.forget(threadId);
  }

  /** The tuples of heads that were read, with one query for the writes of each namespace. */
  private async *assemble(threadId: string, { wanted, nearby }: WantedHeads): AsyncGenerator<CheckpointTuple> {
    const writes = new Map<string, Map<string, CheckpointPendingWrite[]>>();
    for (const namespace of new Set(wanted.map(({ ref }) => ref.namespace))) {
      const ids = wanted.filter(({ ref }) => ref.namespace === namespace).map(({ ref }) => ref.checkpointId);
      writes.set(namespace, await this.pendingWrites.readAll(threadId, namespace, ids));
    }
    for (const { ref, head } of wanted) {
      const loaded = await this.heads.load(ref, head, nearby.get(ref.namespace) ?? new Map());
      yield this.toTuple(loaded, writes.get(ref.namespace)?.get(ref.checkpointId) ?? []);
    }
  }

  private isVisible({ expiresAt, life }: Head, currentLife: string | undefined): boolean {
    const isExpired = expiresAt !== undefined && expiresAt * 1000 <= this.clock.now();
    return !isExpired && (currentLife === undefined || life === currentLife);
  }

  /** What a child is compared with; undefined when there is nothing, or nothing whole, to compare with. */
  private async parentState(ref: CheckpointRef): Promise<State | undefined> {
    try {
      return (await this.heads.find(ref))?.state;
    } catch (error) {
      if (isTenureError(error, "store-corrupt")) return undefined;
      throw error;
    }
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

  private async toTuple(
    { ref, head, state }: Loaded,
    pendingWrites: CheckpointPendingWrite[],
  ): Promise<CheckpointTuple> {
    const [checkpoint, metadata] = await Promise.all([
      this.values.checkpoint(ref.checkpointId, head, state),
      this.values.metadata(head),
    ]);
    const tuple: CheckpointTuple = { config: toConfig(ref), checkpoint, metadata, pendingWrites };
    if (head.parent !== undefined) {
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
}

const newLineage = () => randomBytes(6).toString("base64url");

const meets = (metadata: CheckpointMetadata, filter: Record<string, unknown>): boolean =>
  Object.entries(filter).every(([key, value]) => (metadata as Record<string, unknown> | undefined)?.[key] === value);
