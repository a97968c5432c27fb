/** Reads how far a run has come from its checkpoints and pending writes, for a process that takes the run over. */
import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { StoredHead } from "../items/head.ts";
import type { CheckpointRef } from "../items/keys.ts";
import type { PendingWrites } from "../items/pending-writes.ts";
import type { Values } from "../items/values.ts";

export interface RunProgress {
  /** The newest checkpoint of the namespace that the run has put; undefined when it has put none. */
  checkpoint: CheckpointTuple | undefined;
  /** The checkpoint that the config names, or the latest of the namespace; undefined when there is none. */
  base: CheckpointTuple | undefined;
  /** The pending writes of `base` that the run wrote: task id, channel, value. */
  writes: CheckpointPendingWrite[];
}

interface Parts {
  values: Values;
  pendingWrites: PendingWrites;
  /** Yields all visible checkpoints of the namespace, newest first. */
  visible: () => AsyncIterable<{ ref: CheckpointRef; head: StoredHead }>;
  tupleOf: (ref: CheckpointRef) => Promise<CheckpointTuple | undefined>;
}

/** `of.checkpointId` is empty where the config names none. `base` was read with it. */
export async function progressOf(
  { values, pendingWrites, visible, tupleOf }: Parts,
  of: CheckpointRef,
  base: CheckpointTuple | undefined,
  runId: string,
): Promise<RunProgress> {
  if (!base) return { checkpoint: undefined, base, writes: [] };
  const [checkpoint, writes] = await Promise.all([
    newest(),
    pendingWrites.read({ ...of, checkpointId: base.checkpoint.id }, runId),
  ]);
  return { checkpoint, base, writes };

  async function newest(): Promise<CheckpointTuple | undefined> {
    if (!of.checkpointId && isOf(base?.metadata, runId)) return base;
    for await (const { ref, head } of visible()) {
      const isBase = ref.checkpointId === of.checkpointId;
      if (isOf(await values.metadata(ref, head), runId)) return isBase ? base : tupleOf(ref);
      // Every checkpoint that the run has put is newer than the one that it began at.
      if (isBase) return undefined;
    }
    return undefined;
  }
}

const isOf = (metadata: object | undefined, runId: string): boolean =>
  (metadata as { run_id?: unknown | undefined } | undefined)?.run_id === runId;
