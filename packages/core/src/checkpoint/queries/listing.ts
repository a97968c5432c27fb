import type { Candidate, Entry, HeadCache } from "../items/head-reader.ts";
import type { Heads } from "../items/heads.ts";
import { isAbove, positionOf } from "../items/order.ts";
import { MAX_REACH } from "../piece-table/channel-writer.ts";

export interface WantedHeads {
  /** Without a head where its bytes are damaged. */
  wanted: Pick<Candidate, "ref" | "head">[];
  /** The heads read so far, by namespace; most often those that the wanted ones refer to are among them. */
  cache: Map<string, HeadCache>;
}

/** The number of wanted heads in each group but the last. */
const GROUP = 50;

/** The heads of a thread that are wanted, newest first, group by group, once those that they may refer to were read. */
export async function* wantedHeads(
  heads: Heads,
  { threadId, namespace, limit }: { threadId: string; namespace: string | undefined; limit: number },
  wants: (entry: Entry) => Promise<boolean>,
): AsyncGenerator<WantedHeads> {
  const cache = new Map<string, HeadCache>();
  let waiting: (Pick<Candidate, "ref" | "head"> & { position: number })[] = [];
  let left = limit;
  let position = 0;
  const pageSize = limit + MAX_REACH + 1;
  const range = { threadId, namespace, ...(Number.isFinite(pageSize) && { pageSize }) };
  for await (const entry of heads.newestFirst(range, cache)) {
    position += 1;
    const ready = waiting.filter((one) => one.position + MAX_REACH < position).length;
    if (ready >= GROUP || (ready > 0 && ready === left)) {
      yield { wanted: waiting.slice(0, ready), cache };
      waiting = waiting.slice(ready);
      left -= ready;
      if (left === 0) return;
    }
    const { ref, head } = entry;
    if (waiting.length < left && (await wants(entry))) waiting.push({ ref, head, position });
  }
  if (waiting.length > 0) yield { wanted: waiting, cache };
}

/** Tells the heads that are older than a checkpoint of that id, when asked of each from the newest on. */
export function olderThan(checkpointId: string): (entry: Pick<Entry, "ref" | "position">) => boolean {
  const passed = new Set<string>();
  return ({ ref, position }) => {
    // A checkpoint whose position is not its id is met before the older ones; where its position is its id, positions tell.
    const isOlder = passed.has(ref.namespace) || isAbove(positionOf(checkpointId), position);
    if (ref.checkpointId === checkpointId) passed.add(ref.namespace);
    return isOlder;
  };
}
