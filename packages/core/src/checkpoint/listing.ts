import type { Head } from "./head.ts";
import type { Candidate, Heads, Nearby } from "./heads.ts";
import type { CheckpointRef } from "./keys.ts";
import { MAX_REACH } from "./plan.ts";

export interface WantedHeads {
  /** Without a head where its bytes are damaged. */
  wanted: Pick<Candidate, "ref" | "head">[];
  /** All that was read so far, by namespace: among them, most often, what the wanted ones refer to. */
  nearby: Map<string, Nearby>;
}

/** So many are handed on at a time, when there are so many. */
const GROUP = 50;

/** The heads of a thread that are wanted, newest first, group by group, once those that they may refer to were read. */
export async function* wantedHeads(
  heads: Heads,
  { threadId, namespace, limit }: { threadId: string; namespace: string | undefined; limit: number },
  wants: (ref: CheckpointRef, head: Head | undefined) => Promise<boolean>,
): AsyncGenerator<WantedHeads> {
  const nearby = new Map<string, Nearby>();
  let waiting: (Pick<Candidate, "ref" | "head"> & { position: number })[] = [];
  let left = limit;
  let position = 0;
  const pageSize = limit + MAX_REACH + 1;
  for await (const { ref, head, keptUntil } of heads.read(threadId, namespace, {
    ...(Number.isFinite(pageSize) && { pageSize }),
  })) {
    const kin = nearby.get(ref.namespace) ?? new Map();
    if (head) kin.set(ref.checkpointId, { head, ...(keptUntil !== undefined && { keptUntil }) });
    nearby.set(ref.namespace, kin);
    position += 1;
    const ready = waiting.filter((one) => one.position + MAX_REACH < position).length;
    if (ready >= GROUP || (ready > 0 && ready === left)) {
      yield { wanted: waiting.slice(0, ready), nearby };
      waiting = waiting.slice(ready);
      left -= ready;
      if (left === 0) return;
    }
    if (waiting.length < left && (await wants(ref, head))) waiting.push({ ref, head, position });
  }
  if (waiting.length > 0) yield { wanted: waiting, nearby };
}
