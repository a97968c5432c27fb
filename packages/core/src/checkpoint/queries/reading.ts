/** Reads checkpoints for a caller's config: those that are visible in the incarnation that it names, the latest first. */
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  type CheckpointListOptions,
  type CheckpointTuple,
  type DeltaChannelHistory,
  getCheckpointId,
} from "@langchain/langgraph-checkpoint";
import type { Incarnation } from "../../incarnation.ts";
import { required, text } from "../config.ts";
import { corrupt } from "../corrupt.ts";
import type { StoredHead } from "../items/head.ts";
import type { Candidate, Entry, HeadCache } from "../items/head-reader.ts";
import type { Heads } from "../items/heads.ts";
import type { HeldThreads } from "../items/held.ts";
import { type CheckpointRef, whatOf } from "../items/keys.ts";
import type { Loaded } from "../items/loaded.ts";
import type { PendingWrites } from "../items/pending-writes.ts";
import type { Threads } from "../items/threads.ts";
import { asAnswered, type Incarnations, incarnationIn, keepIncarnation } from "../items/tombstone.ts";
import type { Values } from "../items/values.ts";
import { BATCH, deltaHistory } from "./delta-history.ts";
import { type Floors, isBelow } from "./floor.ts";
import { olderThan, wantedHeads } from "./listing.ts";
import { progressOf, type RunProgress } from "./progress.ts";
import type { Seen } from "./seen.ts";
import type { Tuples } from "./tuples.ts";

interface Parts {
  heads: Heads;
  held: HeldThreads;
  seen: Seen;
  floors: Floors;
  incarnations: Incarnations;
  values: Values;
  pendingWrites: PendingWrites;
  tuples: Tuples;
  threads: Threads;
}

export class Reading {
  private readonly heads: Heads;
  private readonly held: HeldThreads;
  private readonly seen: Seen;
  private readonly floors: Floors;
  private readonly incarnations: Incarnations;
  private readonly values: Values;
  private readonly pendingWrites: PendingWrites;
  private readonly tuples: Tuples;
  private readonly threads: Threads;

  constructor({ heads, held, seen, floors, incarnations, values, pendingWrites, tuples, threads }: Parts) {
    this.heads = heads;
    this.held = held;
    this.seen = seen;
    this.floors = floors;
    this.incarnations = incarnations;
    this.values = values;
    this.pendingWrites = pendingWrites;
    this.tuples = tuples;
    this.threads = threads;
  }

  /** The checkpoint that the config names, or the latest of its thread and namespace. */
  async tuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const threadId = text(config, "thread_id");
    if (threadId === undefined) return undefined;
    const of = { threadId, namespace: text(config, "checkpoint_ns") ?? "", checkpointId: getCheckpointId(config) };
    const given = incarnationIn(config);
    if (!of.checkpointId && given && this.heads.isEmptyUnder(of, given)) return undefined;
    const inMemory = !of.checkpointId && given && (await this.latestHeld(of, given));
    if (inMemory) return keepIncarnation(asAnswered(await this.tuples.of(inMemory, []), config), config);
    const cache: HeadCache = new Map();
    const [found, writesOf] = await Promise.all([
      this.visible(of, config, cache).next(),
      of.checkpointId
        ? this.pendingWrites.read(of).then((writes) => async () => writes)
        : // Which checkpoint is the newest is not known yet, and the writes beside another may have more bytes than the whole state.
          (ref: CheckpointRef) => this.pendingWrites.read(ref),
    ]);
    if (found.done) return undefined;
    const { ref, head } = found.value;
    const [loaded, writes] = await Promise.all([this.heads.load(ref, head, cache), writesOf(ref)]);
    return keepIncarnation(asAnswered(await this.tuples.of(loaded, writes), config), config);
  }

  /** The latest checkpoint of a namespace, where the lease's holder has it in memory and nothing can have come after it. */
  private async latestHeld(of: CheckpointRef, given: Incarnation): Promise<Loaded | undefined> {
    const latest = this.held.latest(of, given);
    const known = latest && this.heads.known({ ...of, checkpointId: latest.checkpointId });
    if (!known || !(await this.seen.isVisible(known, given))) return undefined;
    // The graph's own latest is seen below every floor.
    if (of.namespace !== "" && given.floor && !(await this.floors.view(of.threadId, given).admits(known)))
      return undefined;
    this.heads.noteTop(of, given, latest.position);
    return known;
  }

  /**
   * The checkpoint that `of` names, if it is there, or all of its namespace, the latest first; only those that are visible. Throws
   * `store-corrupt` at one that is damaged.
   */
  private async *visible(
    of: CheckpointRef,
    config: RunnableConfig,
    cache: HeadCache,
  ): AsyncGenerator<Candidate & { head: StoredHead }, undefined> {
    const [candidates, incarnation] = await Promise.all([
      this.heads.candidates(of, this.incarnations.known(of.threadId, config), cache),
      this.incarnations.of(of.threadId, config),
    ]);
    const view = this.floors.view(of.threadId, incarnation);
    for await (const { ref, head } of candidates) {
      if (!head) throw corrupt(whatOf(ref));
      if (!(await this.seen.isVisible({ ref, head }, incarnation))) continue;
      if (!of.checkpointId) view.meet({ ref, head });
      if (await view.admits({ ref, head })) yield { ref, head };
    }
  }

  /**
   * Newest first within a namespace. Without a `thread_id`, those of all threads: see `indexName`. One that cannot be read
   * is a `DamagedTuple`, and the list goes on.
   */
  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { before, filter, limit = Infinity } = options;
    const namespace = text(config, "checkpoint_ns");
    const [only, beforeId] = [getCheckpointId(config), before && getCheckpointId(before)];
    const asked = text(config, "thread_id");
    let left = limit;
    for (const threadId of left <= 0 ? [] : asked === undefined ? await this.threads.all() : [asked]) {
      const incarnation = await this.incarnations.of(threadId, config);
      const view = this.floors.view(threadId, incarnation);
      const isOlder = beforeId ? olderThan(beforeId) : () => true;
      const wants = async ({ ref, head, position }: Entry) =>
        isOlder({ ref, position }) &&
        (!only || ref.checkpointId === only) &&
        (!head || (await this.seen.isVisible({ ref, head }, incarnation))) &&
        (!head || (await view.admits({ ref, head }))) &&
        (!head || !filter || (await this.seen.meets({ ref, head }, filter)));
      for await (const group of wantedHeads(this.heads, { threadId, namespace, limit: left }, wants))
        for await (const tuple of this.tuples.ofGroup(threadId, group)) {
          yield keepIncarnation(tuple, config);
          if (--left === 0) return;
        }
    }
  }

  async progress(config: RunnableConfig, runId: string): Promise<RunProgress> {
    const threadId = required(config, "thread_id", "read a run's progress");
    const of = { threadId, namespace: text(config, "checkpoint_ns") ?? "", checkpointId: getCheckpointId(config) };
    const cache: HeadCache = new Map();
    const parts = {
      values: this.values,
      pendingWrites: this.pendingWrites,
      visible: () => this.visible({ ...of, checkpointId: "" }, config, cache),
      tupleOf: (ref: CheckpointRef) =>
        this.tuple({ configurable: { ...config.configurable, checkpoint_id: ref.checkpointId } }),
    };
    return progressOf(parts, of, await this.tuple(config), runId);
  }

  async deltaHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const { config, channels } = options;
    const threadId = required(config, "thread_id", "read a channel's history");
    const of = { threadId, namespace: text(config, "checkpoint_ns") ?? "", checkpointId: getCheckpointId(config) };
    const { heads, values, pendingWrites } = this;
    const cache: HeadCache = new Map();
    if (of.checkpointId) await heads.gather(of, cache, BATCH);
    const named = cache.get(of.checkpointId);
    const incarnation = await this.incarnations.of(threadId, config);
    if (named && !(await this.floors.view(threadId, incarnation).admits({ ref: of, head: named.head })))
      return deltaHistory({ heads, values, pendingWrites }, undefined, cache, channels);
    const found = named ? { ref: of, ...named } : (await this.visible(of, config, cache).next()).value;
    const histories = await deltaHistory(
      { heads, values, pendingWrites },
      found,
      cache,
      await this.rebuilt(channels, found, cache, incarnation),
    );
    return Object.fromEntries(channels.map((name) => [name, histories[name] ?? { writes: [] }]));
  }

  /**
   * The channels that are rebuilt from what was before. Below a floor they are those that the checkpoint has no value of: what the others could
   * be rebuilt from is not kept (`deltaAncestors`), and may be there in part, for its bytes.
   */
  private async rebuilt(
    channels: string[],
    found: (Candidate & { head: StoredHead }) | undefined,
    cache: HeadCache,
    { floor }: Incarnation,
  ): Promise<string[]> {
    if (!found || !floor || !isBelow(found.head, floor)) return channels;
    const { contents } = await this.heads.whole(found.ref, found.head, cache);
    return channels.filter((name) => !contents.channels.has(name));
  }
}
