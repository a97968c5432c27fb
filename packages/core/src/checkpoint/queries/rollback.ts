/**
 * A run that never was. Its checkpoints become absent, and nothing of them is taken away: another process may have one in
 * memory and be about to put a checkpoint of another run on it, which refers to its bytes. The bytes go with their thread. The
 * run's writes beside checkpoints of others are removed: an answer that it was given is none for the next run.
 */
import type { Item, Table } from "../../dynamo/index.ts";
import { forEach } from "../../parallel.ts";
import type { Codec } from "../bytes/codec.ts";
import { unlessCorrupt } from "../corrupt.ts";
import { encodeHead } from "../items/head.ts";
import { toEntry } from "../items/head-reader.ts";
import { HEADS, headKey, partition } from "../items/keys.ts";
import type { PendingWrites } from "../items/pending-writes.ts";
import type { Values } from "../items/values.ts";

interface Stores {
  table: Table;
  codec: Codec;
  values: Values;
  pendingWrites: PendingWrites;
}

/** The number of heads that are written at once. */
const AT_ONCE = 10;

/** Takes a run back: its checkpoints by the `run_id` of their metadata, and its writes by that of their config. Idempotent. */
export async function undoRun(
  { table, codec, values, pendingWrites }: Stores,
  threadId: string,
  runId: string,
): Promise<void> {
  const own = new Set<string>();
  await forEach(table.query({ pk: partition(threadId), prefix: HEADS }), AT_ONCE, hide);
  await pendingWrites.removeRun(threadId, runId, (ref) => own.has(headKey(ref).sk));

  async function hide(found: Item): Promise<void> {
    for (let item: Item | undefined = found; item; item = await again(item)) {
      const { ref, head, isPointer } = await toEntry(item, codec);
      const metadata = head && !isPointer && (await values.metadata(ref, head).catch(unlessCorrupt));
      if (!head || (metadata as { run_id?: unknown | undefined } | undefined)?.run_id !== runId) return;
      own.add(item.sk);
      if (head.expiresAt === 0) return;
      const d = await codec.encode(encodeHead({ ...head, expiresAt: 0 }), item);
      const update = { expression: "SET d = :after", condition: "d = :before", names: {} };
      const values_ = { ":after": d, ":before": item.d };
      if (await table.update(item, { ...update, values: values_, isOwn: (one) => d.equals(one.d as Uint8Array) }))
        return;
    }
  }

  /** The item as it is now: it was put again. */
  async function again({ pk, sk }: Item): Promise<Item | undefined> {
    return (await table.query({ pk, from: sk, to: sk }).next()).value;
  }
}
