/** Lists of entries, as queries read them page by page. */
import { type Candidate, type Entry, type HeadCache, note } from "./head-reader.ts";

/** Passes entries on, and notes the head of each in the cache of its namespace. */
export async function* noted(
  entries: AsyncGenerator<Entry>,
  cacheOf: (namespace: string) => HeadCache,
): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    note(entry, cacheOf(entry.ref.namespace));
    yield entry;
  }
}

export async function* chain<T>(first: T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first;
  yield* rest;
}

/** The checkpoint of this id, if that is what the entry is. */
export async function* only(entry: Entry | undefined, checkpointId: string): AsyncGenerator<Candidate> {
  if (entry && !entry.isPointer && entry.ref.checkpointId === checkpointId) yield entry;
}

/**
 * A page of heads, newest first, with those behind that were put under an earlier lease than one further down: they landed after
 * their holder had lost the thread. Such a holder had few writes under way. A head that was put without a lease stays, with all below it.
 */
export function byFence(page: Entry[]): Entry[] {
  const end = page.findIndex(({ head }) => head?.fence === undefined);
  const fenced = end < 0 ? page : page.slice(0, end);
  return [...fenced.toSorted((a, b) => (b.head?.fence ?? 0) - (a.head?.fence ?? 0)), ...page.slice(fenced.length)];
}
