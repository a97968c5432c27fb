/** Reads what a delta channel is rebuilt from: the writes along a checkpoint's ancestors, back to a value that is stored. */
import type { CheckpointPendingWrite, DeltaChannelHistory } from "@langchain/langgraph-checkpoint";
import type { StoredHead } from "../items/head.ts";
import type { HeadCache } from "../items/head-reader.ts";
import type { Heads } from "../items/heads.ts";
import type { CheckpointRef } from "../items/keys.ts";
import { idsByClock } from "../items/order.ts";
import type { PendingWrites } from "../items/pending-writes.ts";
import type { Values } from "../items/values.ts";

interface Stores {
  heads: Heads;
  values: Values;
  pendingWrites: PendingWrites;
}

/** The number of ancestors that are read at once, with their writes. */
export const BATCH = 100;

/** `cache`: what was read already. Ancestors that are absent to readers count while they are there. Throws `store-corrupt` when one is damaged. */
export async function deltaHistory(
  { heads, values, pendingWrites }: Stores,
  of: { ref: CheckpointRef; head: StoredHead } | undefined,
  cache: HeadCache,
  channels: string[],
): Promise<Record<string, DeltaChannelHistory>> {
  const histories = new Map(channels.map((name) => [name, { newestFirst: [] as CheckpointPendingWrite[], seed: {} }]));
  const open = new Set(channels);
  // An id can have been put again, on what was put on it.
  const passed = new Set<string>();
  let batch: { ref: CheckpointRef; head: StoredHead }[] = [];

  async function take(): Promise<void> {
    const ancestors = batch;
    batch = [];
    if (!of) return;
    const { threadId, namespace } = of.ref;
    const writes = await pendingWrites.readAll(threadId, namespace, idsByClock(ancestors));
    for (const { ref, head } of ancestors) {
      if (open.size === 0) return;
      for (const write of ((await writes.get(ref.checkpointId)?.()) ?? []).toReversed())
        if (open.has(write[1])) histories.get(write[1])?.newestFirst.push(write);
      const { contents } = await heads.whole(ref, head, cache);
      for (const name of [...open].filter((one) => contents.channels.has(one))) {
        const { state } = await heads.load(ref, head, cache);
        const seed = await values.channel(ref, state, name);
        if (seed === undefined) continue;
        Object.assign(histories.get(name) ?? {}, { seed: { seed } });
        open.delete(name);
      }
    }
  }

  for (let at = of; at?.head.parent !== undefined && open.size > 0 && !passed.has(at.ref.checkpointId); ) {
    passed.add(at.ref.checkpointId);
    const ref: CheckpointRef = { ...at.ref, checkpointId: at.head.parent };
    if (!cache.has(ref.checkpointId)) await heads.gather(ref, cache, BATCH);
    const head = cache.get(ref.checkpointId)?.head;
    at = head && { ref, head };
    if (at && batch.push(at) === BATCH) await take();
  }
  await take();
  return Object.fromEntries(
    [...histories].map(([name, { newestFirst, seed }]) => [name, { writes: newestFirst.toReversed(), ...seed }]),
  );
}
