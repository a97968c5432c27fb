import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type DeltaChannelHistory,
  type PendingWrite,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import { type Clock, systemClock } from "../clock.ts";
import { asDocumentClient, type DynamoDBClient, type DynamoDBDocumentClient, guarded, Table } from "../dynamo/index.ts";
import type { Incarnation } from "../incarnation.ts";
import type { BlobOptions } from "./bytes/blob-store.ts";
import { CheckedSerde } from "./bytes/checked-serde.ts";
import { Codec } from "./bytes/codec.ts";
import { Encryption, type EncryptionOptions } from "./bytes/encryption.ts";
import { required, runOf, text } from "./config.ts";
import { Chunks } from "./items/chunks.ts";
import { expiryOf } from "./items/expiry.ts";
import { HeadReader } from "./items/head-reader.ts";
import { HeadWriter } from "./items/head-writer.ts";
import { Heads } from "./items/heads.ts";
import { HeldThreads } from "./items/held.ts";
import { Objects } from "./items/objects.ts";
import { PendingWrites } from "./items/pending-writes.ts";
import { Segments } from "./items/segments.ts";
import { Threads } from "./items/threads.ts";
import { Incarnations, incarnationIn, Tombstones } from "./items/tombstone.ts";
import { Values } from "./items/values.ts";
import { PutOrder } from "./put-order.ts";
import { Putting } from "./putting.ts";
import { type Copying, copyThread, type ThreadEnd } from "./queries/copy.ts";
import { Floors } from "./queries/floor.ts";
import { type Inspection, inspectThread, type ThreadReport } from "./queries/inspect.ts";
import { eraseOlder } from "./queries/older.ts";
import type { RunProgress } from "./queries/progress.ts";
import { Reading } from "./queries/reading.ts";
import { undoRun } from "./queries/rollback.ts";
import { Seen } from "./queries/seen.ts";
import { Tuples } from "./queries/tuples.ts";

export interface DynamoDBSaverOptions {
  /** A DynamoDB client or document client; the saver never closes it. */
  client: DynamoDBClient | DynamoDBDocumentClient;
  /** A table with the string keys `pk` and `sk`, and TTL on `expiresAt` (epoch seconds) if `ttlMs` is set. */
  tableName: string;
  /** The time that a checkpoint lives after it was written, in milliseconds; for good when left out. */
  ttlMs?: number | undefined;
  /** The number of bytes of checkpoints and segments that are kept in memory at most. Default 96 MB. */
  cacheBytes?: number | undefined;
  /** Encrypts everything but ids and the names of pending writes' channels; as it is when left out. */
  encryption?: EncryptionOptions | undefined;
  /** Where large segments are kept, S3 for example; in the table when left out. */
  blobs?: BlobOptions | undefined;
  /**
   * A global secondary index of the table, with the string keys `ipk` and `isk`, through which `list` finds all threads.
   * Without it, `list` without a thread reads the whole table.
   */
  indexName?: string | undefined;
  /** Adds to a checkpoint's metadata, from the config that it is put with: what `list` is to filter by, say. */
  metadataOf?: (config: RunnableConfig) => Record<string, unknown>;
  /** LangGraph's JSON serializer when left out. */
  serde?: SerializerProtocol | undefined;
  clock?: Clock | undefined;
}

const MB = 1024 * 1024;
const DEFAULT_CACHE_BYTES = 96 * MB;

/**
 * A LangGraph checkpointer on DynamoDB.
 *
 * A checkpoint stores what is new in it: the rest is referred to (docs/storage-format.md), so that a superstep costs
 * the same however long its thread is. Once `put` or `putWrites` has resolved, what it stored survives any crash; when
 * it is cut short, the previous checkpoint is still the latest and whole. Reads are consistent. An expired checkpoint is
 * never returned, whether or not DynamoDB has deleted it, and nothing that a live one refers to expires before it.
 * Throws `store-unavailable` when DynamoDB does not answer in time, `store-corrupt` when stored bytes are missing or
 * damaged, `invalid-input` when the config lacks a key, when the checkpoint is larger than 16 MB, or when the serializer would
 * not give back a value (checked-serde.ts): the error names its channel and its path, and nothing is stored.
 */
export class DynamoDBSaver extends BaseCheckpointSaver {
  private readonly table: Table;
  private readonly threads: Threads;
  private readonly codec: Codec;
  private readonly heads: Heads;
  private readonly pendingWrites: PendingWrites;
  private readonly putting: Putting;
  private readonly puts = new PutOrder();
  private readonly held = new HeldThreads();
  private readonly tombstones: Tombstones;
  private readonly incarnations: Incarnations;
  private readonly reading: Reading;
  private readonly values: Values;
  private readonly copying: Omit<Copying, "expiry" | "now">;
  private readonly seen: Seen;
  private readonly floors: Floors;
  private readonly ttlMs: number | undefined;
  private readonly clock: Clock;

  constructor(options: DynamoDBSaverOptions) {
    const { client, tableName, ttlMs, cacheBytes = DEFAULT_CACHE_BYTES, serde, clock = systemClock } = options;
    super(serde);
    this.clock = clock;
    this.ttlMs = ttlMs;
    this.table = new Table({ client: asDocumentClient(client), tableName, clock });
    this.threads = new Threads({ table: this.table, indexName: options.indexName, blobs: options.blobs?.store });
    this.codec = new Codec(options.encryption && new Encryption(options.encryption));
    const objects = new Objects(options.blobs);
    // A segment in memory is of use where another checkpoint than the last is read; those that take turns are put again and again.
    const ofSegments = Math.max(1, Math.floor(cacheBytes / 4));
    const segments = new Segments({ table: this.table, codec: this.codec, objects, cacheBytes: ofSegments });
    const checkedSerde = new CheckedSerde(this.serde);
    this.values = new Values(checkedSerde);
    this.seen = new Seen(this.values, clock);
    this.heads = new Heads(new HeadReader(this.table, this.codec), segments, Math.max(1, cacheBytes - ofSegments));
    const chunks = new Chunks(this.table, this.codec, objects);
    this.pendingWrites = new PendingWrites(this.table, chunks, checkedSerde, this.heads);
    const { table, codec, threads, heads, pendingWrites, values } = this;
    const headWriter = new HeadWriter({ table, codec, threads, heads, segments, pendingWrites });
    const tuples = new Tuples({ heads, pendingWrites, values, getNextVersion: (one) => this.getNextVersion(one) });
    this.tombstones = new Tombstones(this.table);
    this.incarnations = new Incarnations(this.tombstones);
    this.floors = new Floors({ heads, seen: this.seen, values });
    const { seen, floors, incarnations, held, puts } = this;
    const { metadataOf = () => ({}) } = options;
    this.reading = new Reading({ heads, held, seen, floors, incarnations, values, pendingWrites, tuples, threads });
    this.putting = new Putting({
      heads,
      headWriter,
      held,
      seen,
      floors,
      incarnations,
      values,
      puts,
      metadataOf,
      ttlMs,
      clock,
    });
    this.copying = { table, codec, heads, seen, floors, values, chunks, objects, threads };
  }

  /** The checkpoint that the config names, or the latest of its thread and namespace. */
  getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    return this.reading.tuple(config);
  }

  /**
   * Notes that the thread has nothing in the config's namespace, for the holder of its first lease (see `incarnationConfig`): nobody
   * has put there, and it is not read until the holder has.
   */
  noteNew(config: RunnableConfig): void {
    const [threadId, given] = [required(config, "thread_id", "note a new thread"), incarnationIn(config)];
    const namespace = text(config, "checkpoint_ns") ?? "";
    if (given) this.heads.noteTop({ threadId, namespace, checkpointId: "" }, given, "");
  }

  /**
   * Newest first within a namespace. Without a `thread_id`, those of all threads: see `indexName`. One that cannot be read
   * is a `DamagedTuple`, and the list goes on.
   */
  list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    return this.reading.list(config, options);
  }

  put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const put = () => guarded(() => this.putting.put(config, checkpoint, metadata, newVersions));
    return this.held.write(text(config, "thread_id") ?? "", incarnationIn(config), put);
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
    const ref = {
      threadId: required(config, "thread_id", "put writes"),
      namespace: text(config, "checkpoint_ns") ?? "",
      checkpointId: required(config, "checkpoint_id", "put writes"),
    };
    const expiry = expiryOf(config, this.ttlMs, this.clock.now());
    const task = { id: taskId, path: taskPath, run: runOf(config), fence: incarnationIn(config)?.fence };
    const given = incarnationIn(config);
    this.held.noteWrites(ref, given);
    const put = () => guarded(() => this.pendingWrites.put(ref, writes, task, expiry, this.puts));
    await this.held.write(ref.threadId, given, put);
  }

  /**
   * Reads how far a run has come in a namespace, for a process that takes it over. A checkpoint is the run's by the `run_id` of its
   * metadata, and a pending write by the `run_id` of the config that it was put with: `configurable.run_id`, or else that of the
   * config's metadata. A special write of a task (`__resume__`, say) is of the run that wrote it last. For a run
   * that begins at an earlier checkpoint the config names it. Throws as `getTuple` does.
   */
  progressOf(config: RunnableConfig, runId: string): Promise<RunProgress> {
    return this.reading.progress(config, runId);
  }

  /**
   * Reads the writes to these channels along the ancestors of the checkpoint in question, back to where the channels' values were
   * stored whole. A hundred ancestors take few queries, most often one for their heads and one for their writes, not one each.
   */
  override getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    return this.reading.deltaHistory(options);
  }

  /** Reports the storage that a thread takes up. Reads all of it, or about `mostBytes` of it. */
  inspect(threadId: string, asked: Partial<Inspection> = {}): Promise<ThreadReport> {
    const { table, codec, heads, seen } = this;
    const { mostBytes = Infinity, incarnation = { undone: [] } } = asked;
    return inspectThread({ table, codec, heads, seen }, threadId, { mostBytes, incarnation });
  }

  /**
   * Copies what can be read of a thread to one that has nothing, with a lifetime from now on, and resolves to the number of
   * checkpoints. Each is named by a config, as `getTuple` takes it. When it throws, some of it may have been copied: delete
   * that one.
   */
  async copyThread(from: RunnableConfig, to: RunnableConfig): Promise<number> {
    const now = this.clock.now();
    const copying = { ...this.copying, expiry: expiryOf({}, this.ttlMs, now), now };
    const ends = [from, to].map(async (config) => {
      const threadId = required(config, "thread_id", "copy a thread");
      const incarnation = await this.incarnations.of(threadId, config);
      return {
        threadId,
        incarnation,
        isOver: async () => (await this.incarnations.of(threadId, config)).id !== incarnation.id,
      };
    });
    const [source, target] = (await Promise.all(ends)) as [ThreadEnd, ThreadEnd];
    this.held.forget(target.threadId);
    return guarded(() => copyThread(copying, source, target));
  }

  /** Deletes everything of a thread; a write that lands later is not seen. Idempotent; when it throws, call it again. */
  async deleteThread(threadId: string): Promise<void> {
    await this.tombstones.bury(threadId);
    await this.eraseThread(threadId);
  }

  /**
   * Deletes a thread whose incarnation the caller keeps: see `incarnationConfig`. `isDue` is asked after each look for what to delete;
   * when it is false nothing more is deleted, since the thread may have begun another incarnation.
   */
  async eraseThread(threadId: string, isDue?: () => Promise<boolean>): Promise<void> {
    await this.threads.deleteAll(threadId, isDue);
    this.forget(threadId);
  }

  /**
   * Resolves to the id of the newest checkpoint of a thread's graph below the floor that the incarnation has; "" when there is none. For a
   * caller who stores it as the floor's root, before `eraseOlder`.
   */
  rootBelow(threadId: string, incarnation: Incarnation): Promise<string> {
    return guarded(() => this.floors.view(threadId, incarnation).root());
  }

  /**
   * Deletes what is not seen below the floor of a thread's incarnation, which names its root. No lease under the floor may be in use. False when
   * the latest state cannot be read: then nothing is deleted. Idempotent; when it throws, call it again.
   */
  async eraseOlder(threadId: string, incarnation: Incarnation): Promise<boolean> {
    const { table, codec, heads, seen, values, floors, threads, pendingWrites } = this;
    const stores = { table, codec, heads, seen, values, floors, threads, pendingWrites };
    const isErased = await guarded(() => eraseOlder(stores, threadId, incarnation));
    this.forget(threadId);
    return isErased;
  }

  /**
   * Makes the checkpoints that a run has put absent, by the `run_id` of their metadata, as if it had never been; one that it puts
   * later is not seen. Their bytes stay as long as their thread, since checkpoints of other runs may refer to them, now or in a
   * moment. The run's writes beside checkpoints of others are removed. Idempotent; when it throws, call it again.
   */
  async deleteRun(threadId: string, runId: string): Promise<void> {
    await this.tombstones.undo(threadId, runId);
    await this.eraseRun(threadId, runId);
  }

  /** Rolls back a run of a thread whose incarnation the caller keeps: see `incarnationConfig`. */
  async eraseRun(threadId: string, runId: string): Promise<void> {
    const { table, codec, values, pendingWrites } = this;
    await undoRun({ table, codec, values, pendingWrites }, threadId, runId);
    this.forget(threadId);
  }

  private forget(threadId: string): void {
    this.heads.forget(threadId);
    this.held.forget(threadId);
  }
}
