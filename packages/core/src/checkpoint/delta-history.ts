/** What a delta channel is rebuilt from: the writes along a checkpoint's ancestors, back to a value that is stored. */
import type { CheckpointPendingWrite, DeltaChannelHistory } from "@langchain/langgraph-checkpoint";
import { corrupt } from "./corrupt.ts";
import type { Head } from "./head.ts";
import type { Heads, Nearby } from "./heads.ts";
import { type CheckpointRef, whatOf } from "./keys.ts";
import type { PendingWrites } from "./pending-writes.ts";
import type { Values } from "./values.ts";

interface Stores {
  heads: Heads;
  values: Values;
  pendingWrites: PendingWrites;
}

/** So many ancestors' writes are read at once. */
const BATCH = 100;

/** `of.checkpointId` may be empty, for the newest. Ancestors that have expired count while they are there. */
export async function deltaHistory(
  { heads, values, pendingWrites }: Stores,
  of: CheckpointRef,
  channels: string[],
): Promise<Record<string, DeltaChannelHistory>> {
  const { threadId, namespace } = of;
  const histories = new Map(channels.map((name) => [name, { newestFirst: [] as CheckpointPendingWrite[], seed: {} }]));
  const open = new Set(channels);
  const nearby: Nearby = new Map();
  let batch: { ref: CheckpointRef; head: Head }[] = [];

  async function take(): Promise<void> {
    const ancestors = batch;
    batch = [];
    const ids = ancestors.map(({ ref }) => ref.checkpointId);
    const writes = await pendingWrites.readAll(threadId, namespace, ids);
    for (const { ref, head } of ancestors) {
      if (open.size === 0) return;
      for (const write of ((await writes.get(ref.checkpointId)?.()) ?? []).toReversed())
        if (open.has(write[1])) histories.get(write[1])?.newestFirst.push(write);
      for (const name of [...open].filter((one) => head.channels.has(one))) {
        const { state } = await heads.load(ref, head, nearby);
        const seed = await values.channel(ref, state, name);
        if (seed === undefined) continue;
        Object.assign(histories.get(name) ?? {}, { seed: { seed } });
        open.delete(name);
      }
    }
  }

  let next: string | undefined;
  let isOnPath = false;
  for await (const { ref, head, keptUntil } of heads.read(threadId, namespace, {
    upTo: of.checkpointId || undefined,
    pageSize: BATCH,
  })) {
    if (isOnPath && next === undefined) break;
    if (!head) {
      // Without it the channels would come back short, and nobody would know.
      if (!isOnPath || ref.checkpointId === next) throw corrupt(whatOf(ref));
      continue;
    }
    nearby.set(ref.checkpointId, { head, ...(keptUntil !== undefined && { keptUntil }) });
    if (isOnPath && ref.checkpointId !== next) continue;
    if (isOnPath) batch.push({ ref, head });
    isOnPath = true;
    next = head.parent;
    if (batch.length === BATCH) await take();
    if (open.size === 0) break;
  }
  await take();
  return Object.fromEntries(
    [...histories].map(([name, { newestFirst, seed }]) => [name, { writes: newestFirst.toReversed(), ...seed }]),
  );
}
