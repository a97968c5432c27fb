/** Checkpoints as LangGraph has them, from what was read of them. */
import {
  type Checkpoint,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  maxChannelVersion,
  TASKS,
} from "@langchain/langgraph-checkpoint";
import { isTenureError } from "../../errors.ts";
import { toConfig } from "../config.ts";
import { corrupt, damagedTuple } from "../corrupt.ts";
import type { Heads } from "../items/heads.ts";
import { type CheckpointRef, whatOf } from "../items/keys.ts";
import type { Loaded } from "../items/loaded.ts";
import { idsByClock } from "../items/order.ts";
import type { PendingWrites } from "../items/pending-writes.ts";
import type { Values } from "../items/values.ts";
import type { LoadWrites } from "../items/writes-reader.ts";
import type { WantedHeads } from "./listing.ts";

interface Parts {
  heads: Heads;
  pendingWrites: PendingWrites;
  values: Values;
  getNextVersion: (current: number | undefined) => number;
}

export class Tuples {
  private readonly heads: Heads;
  private readonly pendingWrites: PendingWrites;
  private readonly values: Values;
  private readonly getNextVersion: Parts["getNextVersion"];

  constructor({ heads, pendingWrites, values, getNextVersion }: Parts) {
    this.heads = heads;
    this.pendingWrites = pendingWrites;
    this.values = values;
    this.getNextVersion = getNextVersion;
  }

  /** The tuples of heads that were read, with one query for the writes of each namespace. */
  async *ofGroup(threadId: string, { wanted, cache }: WantedHeads): AsyncGenerator<CheckpointTuple> {
    const writes = new Map<string, Map<string, LoadWrites>>();
    for (const namespace of new Set(wanted.map(({ ref }) => ref.namespace))) {
      const lists = idsByClock(wanted.filter(({ ref }) => ref.namespace === namespace));
      writes.set(namespace, await this.pendingWrites.readAll(threadId, namespace, lists));
    }
    for (const { ref, head } of wanted)
      try {
        if (!head) throw corrupt(whatOf(ref));
        const loaded = await this.heads.load(ref, head, cache.get(ref.namespace) ?? new Map());
        yield await this.of(loaded, (await writes.get(ref.namespace)?.get(ref.checkpointId)?.()) ?? []);
      } catch (error) {
        if (!isTenureError(error, "store-corrupt")) throw error;
        yield damagedTuple(toConfig(ref), error);
      }
  }

  async of({ ref, head, state }: Loaded, pendingWrites: CheckpointPendingWrite[]): Promise<CheckpointTuple> {
    const [checkpoint, metadata] = await Promise.all([
      this.values.checkpoint(ref, head, state),
      this.values.metadata(ref, head),
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
