/** Puts a checkpoint for a caller's config: serializes it, finds what it is compared with, and says where it stands among the others. */
import type { RunnableConfig } from "@langchain/core/runnables";
import type { ChannelVersions, Checkpoint, CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import type { Clock } from "../clock.ts";
import { enclosingOf, required, text, toConfig } from "./config.ts";
import { unlessCorrupt } from "./corrupt.ts";
import { expiryOf } from "./items/expiry.ts";
import type { HeadWriter } from "./items/head-writer.ts";
import type { Heads } from "./items/heads.ts";
import type { HeldThreads } from "./items/held.ts";
import { leftOut } from "./items/left-out.ts";
import type { Loaded } from "./items/loaded.ts";
import { positionOf } from "./items/order.ts";
import { type Incarnations, incarnationIn } from "./items/tombstone.ts";
import type { Values } from "./items/values.ts";
import type { Plan } from "./piece-table/plan.ts";
import type { PutOrder } from "./put-order.ts";
import type { Floors } from "./queries/floor.ts";
import type { Seen } from "./queries/seen.ts";

interface Parts {
  heads: Heads;
  headWriter: HeadWriter;
  held: HeldThreads;
  seen: Seen;
  floors: Floors;
  incarnations: Incarnations;
  values: Values;
  puts: PutOrder;
  metadataOf: (config: RunnableConfig) => Record<string, unknown>;
  ttlMs: number | undefined;
  clock: Clock;
}

export class Putting {
  private readonly heads: Heads;
  private readonly headWriter: HeadWriter;
  private readonly held: HeldThreads;
  private readonly seen: Seen;
  private readonly floors: Floors;
  private readonly incarnations: Incarnations;
  private readonly values: Values;
  private readonly puts: PutOrder;
  private readonly metadataOf: (config: RunnableConfig) => Record<string, unknown>;
  private readonly ttlMs: number | undefined;
  private readonly clock: Clock;

  constructor(parts: Parts) {
    this.heads = parts.heads;
    this.headWriter = parts.headWriter;
    this.held = parts.held;
    this.seen = parts.seen;
    this.floors = parts.floors;
    this.incarnations = parts.incarnations;
    this.values = parts.values;
    this.puts = parts.puts;
    this.metadataOf = parts.metadataOf;
    this.ttlMs = parts.ttlMs;
    this.clock = parts.clock;
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
    const isAgain = parentId === ref.checkpointId || this.heads.known(ref) !== undefined;
    const enclosing = enclosingOf(ref, metadata);
    // Serialized at once: the caller may go on changing it.
    const dumped = Promise.all([
      this.values.dumpChannels(checkpoint),
      this.values.dumpBody(checkpoint),
      this.values.dumpMetadata({ ...this.metadataOf(config), ...metadata }),
    ]);
    return this.puts.run(ref, parentId, dumped, async ([values, body, about]) => {
      const valued = new Set(values.keys());
      const given = incarnationIn(config);
      if (parentId === undefined)
        for (const name of await leftOut(this.heads, this.values, ref, given, checkpoint, newVersions))
          values.delete(name);
      const isOnItself = parentId === ref.checkpointId;
      const [found, top] = await Promise.all([
        parentId === undefined ? undefined : this.heads.find({ ...ref, checkpointId: parentId }).catch(unlessCorrupt),
        given?.fence === undefined || isOnItself ? undefined : this.heads.topUnder(ref, given),
      ]);
      // A parent that this process has in memory may have been rolled back by another.
      const isSeen = async (one: Loaded) =>
        !given ||
        ((await this.seen.isVisible(one, given)) && (await this.floors.view(ref.threadId, given).admits(one)));
      const parent = found && (await isSeen(found)) ? found : undefined;
      // A checkpoint whose parent is gone belongs to an incarnation that is over, if the thread was deleted.
      const isRoot = parentId === undefined || (isOnItself && !parent);
      const incarnation =
        given?.id ?? (isRoot ? (await this.incarnations.of(ref.threadId, config)).id : parent?.state.incarnation);
      const expiry = expiryOf(config, this.ttlMs, this.clock.now());
      const check = (planned: Plan) => this.values.check(checkpoint, planned);
      const above = { top, ...(parentId && !isOnItself && { parent: positionOf(parentId, found?.head.shift) }) };
      const content = { parentId, above, incarnation, given, body, metadata: about, values, valued, check };
      const near = enclosing && this.heads.near(enclosing);
      const around = near && (!given?.floor || (await isSeen(near))) ? near.state : undefined;
      const sources = {
        parent: isOnItself ? undefined : parent,
        enclosing: around?.incarnation === incarnation ? around : undefined,
      };
      await this.headWriter.put(ref, content, sources, expiry);
      this.held.notePut(ref, given, positionOf(ref.checkpointId, this.heads.known(ref)?.head.shift), isAgain);
      return toConfig(ref);
    });
  }
}
