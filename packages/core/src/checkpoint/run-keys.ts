import type { Key } from "../dynamo/index.ts";
import { unlessCorrupt } from "./corrupt.ts";
import type { Heads } from "./heads.ts";
import { type CheckpointRef, headKey } from "./keys.ts";
import type { PendingWrites } from "./pending-writes.ts";
import type { Values } from "./values.ts";

interface Stores {
  heads: Heads;
  values: Values;
  pendingWrites: PendingWrites;
}

/** The items of the checkpoints of one run, the newest first, that no checkpoint of another run was put on. */
export async function keysOfRun(
  { heads, values, pendingWrites }: Stores,
  threadId: string,
  runId: string,
): Promise<Key[]> {
  const own: CheckpointRef[] = [];
  /** Checkpoints that others stand on, by namespace and id. */
  const needed = new Set<string>();
  const nameOf = (namespace: string, checkpointId: string) => JSON.stringify([namespace, checkpointId]);
  // Within a namespace children come before their parents.
  for await (const { ref, head } of heads.read(threadId, undefined)) {
    if (!head) continue;
    const metadata = (await values.metadata(ref, head).catch(unlessCorrupt)) as { run_id?: unknown } | undefined;
    const isOwn = metadata?.run_id === runId && !needed.has(nameOf(ref.namespace, ref.checkpointId));
    if (isOwn) own.push(ref);
    else for (const one of [head.parent, head.base]) if (one !== undefined) needed.add(nameOf(ref.namespace, one));
  }
  const writes = await Promise.all(own.map((ref) => pendingWrites.keys(ref)));
  return own.flatMap((ref, i) => [headKey(ref), ...(writes[i] ?? [])]);
}
