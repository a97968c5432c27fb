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
  getCheckpointId,
  maxChannelVersion,
  type PendingWrite,
  type SerializerProtocol,
  TASKS,
} from "@langchain/langgraph-checkpoint";
import { LRUCache } from "lru-cache";
import { type Clock, systemClock } from "../clock.ts";
import { asDocumentClient, type DynamoDBClient, type DynamoDBDocumentClient, Table } from "../dynamo/index.ts";
import { isTenureError, TenureError } from "../errors.ts";
import { Blobs } from "./blobs.ts";
import { view } from "./codec.ts";
import { corrupt } from "./corrupt.ts";
import { type Dumped, encodeHead, fingerprintOf, type Head } from "./head.ts";
import { Heads, type Loaded, type Nearby, toAncestor } from "./heads.ts";
import { type CheckpointRef, HEADS, headKey, partition, threadOf, tombstoneKey } from "./keys.ts";
import { PendingWrites } from "./pending-writes.ts";
import { headChannels, MAX_REACH, plan, type State } from "./plan.ts";
import { Segments } from "./segments.ts";
import { Tombstones } from "./tombstone.ts";

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
/** All values of one checkpoint, serialized. */
const MAX_CHECKPOINT_BYTES = 16 * MB;

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
  private readonly ttlMs: number | undefined;
  private readonly clock: Clock;

  constructor(options: DynamoDBSaverOptions) {
    const { client, tableName, ttlMs, cacheBytes = DEFAULT_CACHE_BYTES, serde, clock = systemClock } = options;
    super(serde);
    this.clock = clock;
    this.ttlMs = ttlMs;
    this.table = new Table({ client: asDocumentClient(client), tableName, clock });
    const half = Math.max(1, Math.floor(cacheBytes / 2));
    const segmentCache = new LRUCache<
      string,
      { segment: { lineage: string; ordinal: number; size: number }; bytes: Buffer }
    >({
      maxSize: half,
      sizeCalculation: ({ bytes }) => bytes.length + 200,
    });
    this.segments = new Segments(this.table, segmentCache);
    this.heads = new Heads(this.table, this.segments, new LRUCache({ maxSize: half, sizeCalculation: sizeOf }));
    this.pendingWrites = new PendingWrites(this.table, new Blobs(this.table), this.serde);
    this.tombstones = new Tombstones(this.table, clock);
  }

  /** The checkpoint that the config names, or the latest of its thread and namespace. */
  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const threadId = text(config, "thread_id");
    if (threadId === undefined) return undefined;
    const namespace = text(config, "checkpoint_ns") ?? "";
    const checkpointId = getCheckpointId(config);
    const nearby: Nearby = new Map();
    const [candidates, life, writesOf] = await Promise.all([
      this.candidates(threadId, namespace, checkpointId, nearby),
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
      const nearby = new Map<string, Nearby>();
      let wanted: Found[] = [];
      const flush = (count: number) => {
        const [now, later] = [wanted.slice(0, count), wanted.slice(count)];
        wanted = later;
        return this.assemble(threadId, now, nearby);
      };
      let position = 0;
      const pageSize = left + MAX_REACH + 1;
      for await (const { ref, head, keptUntil } of this.heads.read(threadId, namespace, {
        ...(Number.isFinite(pageSize) && { pageSize }),
      })) {
        if (!head) throw corrupt(`checkpoint ${ref.checkpointId} of thread ${threadId}`);
        const kin = nearby.get(ref.namespace) ?? new Map();
        nearby.set(ref.namespace, kin.set(ref.checkpointId, { head, ...(keptUntil !== undefined && { keptUntil }) }));
        position += 1;
        // What the wanted ones refer to has been read by now, most often.
        const ready = wanted.filter((one) => one.position + MAX_REACH < position).length;
        if (ready >= LIST_BATCH || (ready > 0 && ready === left))
          for await (const tuple of flush(ready)) {
            yield tuple;
            if (--left === 0) return;
          }
        const matches =
          wanted.length < left &&
          this.isVisible(head, life) &&
          (!only || ref.checkpointId === only) &&
          (!beforeId || ref.checkpointId < beforeId) &&
          (!filter || (await this.matches(head, filter)));
        if (matches) wanted.push({ ref, head, position });
      }
      for await (const tuple of flush(wanted.length)) {
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
    const stray = parentId === undefined ? strayChannels(checkpoint, newVersions) : [];
    const [values, body, about] = await Promise.all([
      this.dumpValues(checkpoint),
      this.dumpBody(checkpoint),
      this.dump(metadata),
    ]);
    if (stray.length > 0) for (const name of await this.unknownOf(ref, checkpoint, stray)) values.delete(name);

    const parent = parentId === undefined ? undefined : await this.parentState({ ...ref, checkpointId: parentId });
    // One whose parent is gone belongs to a life that is over, if the thread was deleted.
    const life = parentId === undefined ? await this.tombstones.life(ref.threadId) : parent?.life;
    const expiry = this.expiry(config);
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
    if (!(await this.table.putNew(item)) && !(await this.isStored(loaded))) await this.table.put(item);
    const lineage = [...(parent?.lineage ?? []), toAncestor(head)].slice(-MAX_REACH - 1);
    const state: State = {
      depth,
      ...(life !== undefined && { life }),
      ...(expiry.keptUntil !== undefined && { keptUntil: expiry.keptUntil }),
      ...(sourcesUntil !== undefined && { sourcesUntil }),
      lineage,
      channels: planned.channels,
    };
    this.heads.keep({ ...loaded, state });
    return toConfig(ref);
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
    const ref = {
      threadId: required(config, "thread_id", "put writes"),
      namespace: text(config, "checkpoint_ns") ?? "",
      checkpointId: required(config, "checkpoint_id", "put writes"),
    };
    await this.pendingWrites.put(ref, writes, { id: taskId, path: taskPath }, kept(this.expiry(config)));
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

  /** The heads that a config may mean, newest first: with the first page, and all on it in `nearby`. */
  private async candidates(
    threadId: string,
    namespace: string,
    checkpointId: string,
    nearby: Nearby,
  ): Promise<AsyncIterable<Candidate>> {
    const isKnown = checkpointId
      ? this.heads.known({ threadId, namespace, checkpointId })
      : this.heads.knowsLatest(threadId, namespace);
    const pageSize = isKnown ? 2 : MAX_REACH + 1;
    const reading = this.heads.read(threadId, namespace, { upTo: checkpointId || undefined, pageSize });
    const page: Candidate[] = [];
    while (page.length < pageSize) {
      const next = await reading.next();
      if (next.done) break;
      const { ref, head, keptUntil } = next.value;
      if (head) nearby.set(ref.checkpointId, { head, ...(keptUntil !== undefined && { keptUntil }) });
      page.push(next.value);
    }
    return (async function* () {
      yield* page;
      yield* reading;
    })();
  }

  /** The tuples of heads that were read, with one query for the writes of each namespace. */
  private async *assemble(
    threadId: string,
    wanted: Found[],
    nearby: Map<string, Nearby>,
  ): AsyncGenerator<CheckpointTuple> {
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

  /** Whether the very same checkpoint is there, as after a request that was sent twice. */
  private async isStored({ ref, head }: Pick<Loaded, "ref"> & { head: Head }): Promise<boolean> {
    for await (const { ref: found, head: stored } of this.heads.read(ref.threadId, ref.namespace, {
      upTo: ref.checkpointId,
      pageSize: 1,
    }))
      return found.checkpointId === ref.checkpointId && stored?.fingerprint === head.fingerprint;
    return false;
  }

  /**
   * A checkpoint without a parent says by `newVersions` which of its values are its own. Any other one is kept
   * if the thread holds it at that version already, as in a copy of a first checkpoint, and is else left out:
   * LangGraph's validation suite has such values. With a parent, `newVersions` is not to be relied on: a fork
   * passes none and means all.
   */
  private async unknownOf(ref: CheckpointRef, checkpoint: Checkpoint, names: string[]): Promise<Set<string>> {
    const unknown = new Set(names);
    for await (const { head } of this.heads.read(ref.threadId, ref.namespace)) {
      if (!head) continue;
      const { channel_versions: versions } = await this.body(head);
      for (const name of unknown)
        if (head.channels.has(name) && versions[name] === checkpoint.channel_versions[name]) unknown.delete(name);
    }
    return unknown;
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
    const [body, metadata, values] = await Promise.all([
      this.body(head),
      this.serde.loadsTyped(head.metadata.type, head.metadata.bytes) as Promise<CheckpointMetadata>,
      Promise.all(
        [...state.channels].map(async ([name, { type, bytes }]) => {
          // A copy: what a graph does with a value must not reach what is kept for comparison.
          const value = type === "bytes" ? Uint8Array.from(bytes) : bytes;
          return [name, await this.serde.loadsTyped(type, value)] as const;
        }),
      ),
    ]);
    const checkpoint = { ...body, id: ref.checkpointId, channel_values: Object.fromEntries(values) } as Checkpoint;
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

  private async matches(head: Head, filter: Record<string, unknown>): Promise<boolean> {
    const metadata = await this.serde.loadsTyped(head.metadata.type, head.metadata.bytes);
    return Object.entries(filter).every(([key, value]) => metadata?.[key] === value);
  }

  /** The checkpoint without its id and its values, which are kept apart. */
  private body({ body }: Head): Promise<Omit<Checkpoint, "id" | "channel_values">> {
    return this.serde.loadsTyped(body.type, body.bytes);
  }

  private dumpBody({ id: _, channel_values: __, ...body }: Checkpoint): Promise<Dumped> {
    return this.dump(body);
  }

  private async dumpValues(checkpoint: Checkpoint): Promise<Map<string, Dumped>> {
    const values = new Map(
      await Promise.all(
        Object.entries(checkpoint.channel_values).map(async ([name, value]) => [name, await this.dump(value)] as const),
      ),
    );
    const total = [...values.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (total > MAX_CHECKPOINT_BYTES) {
      const [largest] = [...values].sort(([, a], [, b]) => b.bytes.length - a.bytes.length);
      const issue =
        `checkpoint ${checkpoint.id} has ${total} bytes, more than the ${MAX_CHECKPOINT_BYTES} that a checkpoint may ` +
        `have: channel ${largest?.[0]} alone has ${largest?.[1].bytes.length}. Keep large values elsewhere, and their names here`;
      throw new TenureError({ tag: "invalid-input", issues: [issue] });
    }
    return values;
  }

  private async dump(value: unknown): Promise<Dumped> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return { type, bytes: view(bytes) };
  }

  /** A call may have a lifetime of its own, `configurable.ttl_ms`. */
  private expiry(config: RunnableConfig): Expiry {
    const own: unknown = config.configurable?.ttl_ms;
    if (own !== undefined && !(typeof own === "number" && own > 0))
      throw new TenureError({ tag: "invalid-input", issues: ["configurable.ttl_ms must be a number above 0"] });
    const ttlMs = own ?? this.ttlMs;
    if (ttlMs === undefined) return {};
    const now = this.clock.now();
    return { expiresAt: Math.ceil((now + ttlMs) / 1000), keptUntil: Math.ceil((now + 2 * ttlMs) / 1000) };
  }
}

interface Found {
  ref: CheckpointRef;
  head: Head;
  position: number;
}
type Candidate = { ref: CheckpointRef; head: Head | undefined; keptUntil?: number };

const LIST_BATCH = 50;

/**
 * Both in epoch seconds. An item outlives its checkpoint by as much again, since what is put while that is live may
 * refer to its bytes, and lives as long from then on.
 */
interface Expiry {
  expiresAt?: number;
  keptUntil?: number;
}

const kept = ({ keptUntil }: Expiry): { expiresAt?: number } =>
  keptUntil === undefined ? {} : { expiresAt: keptUntil };

/** The earlier of two instants, of which undefined is never. */
const earliest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Whether all that a checkpoint refers to is kept until then. */
function outlives({ sourcesUntil, keptUntil }: State, until: number | undefined): boolean {
  const end = earliest(sourcesUntil, keptUntil);
  return end === undefined || (until !== undefined && until <= end);
}

const newLineage = () => randomBytes(6).toString("base64url");

const sizeOf = ({ head, state }: Loaded): number =>
  [...state.channels.values()].reduce((sum, { bytes }) => sum + bytes.length, 2000) + head.body.bytes.length;

function strayChannels(checkpoint: Checkpoint, newVersions: ChannelVersions): string[] {
  return Object.keys(checkpoint.channel_values).filter((name) => !Object.hasOwn(newVersions, name));
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
