/**
 * Markers of threads for the sweep: an item of the thread's partition that the index has by the instant at which to look. A write of the record
 * leaves the marker where it is: the sweep that comes by moves it on.
 */
import { type Item, type Key, type Table, tableDefinition } from "../dynamo/index.ts";
import { sortable, THREAD, threadKey } from "./records.ts";

/** Partitions of the index that hold the markers: several, since one takes 1,000 write units a second. */
const PARTITIONS = Array.from({ length: 8 }, (_, shard) => `threads#deadlines#${shard}`);

export const MARKER = "deadline";
const markerKey = (id: string): Key => ({ pk: threadKey(id).pk, sk: MARKER });

/** A marker as the table has it. `isAfter`: of a thread that was deleted, for what lands after its deletion. */
export interface Marker {
  id: string;
  at: number;
  isAfter: boolean;
}

/**
 * Has the sweep look at a thread at an instant, if it does not look sooner anyway. To be called before the record gets its lifetime. A
 * marker is never moved to a later instant by this: the id may be that of another user's thread, or the record's write may fail.
 */
export function mark(table: Table, id: string, at: number): Promise<boolean> {
  return place(table, id, at, { condition: "attribute_not_exists(pk) OR #at > :at", values: {} });
}

/** Moves a marker that was seen; false when it is another one by now. */
export const moveMarker = (table: Table, { id, at }: Marker, to: number): Promise<boolean> =>
  place(table, id, to, { condition: "#at = :seen", values: { ":seen": at } });

/** Has the sweep look once more at what is stored of a thread that is being deleted. */
export const markAfter = (table: Table, id: string, at: number): Promise<void> =>
  table.put({ ...markerKey(id), ...placeOf(id, at), after: true });

/** Removes a marker that was seen; false when it is another one by now. */
export const removeMarker = (table: Table, { id, at }: Pick<Marker, "id" | "at">): Promise<boolean> =>
  table.deleteWhere(markerKey(id), { at });

/** The markers that are due. */
export async function* dueMarkers(table: Table, now: number): AsyncGenerator<Marker> {
  for (const partition of PARTITIONS)
    for await (const { pk, sk } of table.queryIndex(tableDefinition.index.name, partition, { below: sortable(now) })) {
      // The index may be behind.
      const item = await table.get({ pk, sk });
      if (item && Number(item.at) <= now) yield toMarker(item);
    }
}

const toMarker = ({ pk, at, after }: Item): Marker => ({
  ...{ id: pk.slice(THREAD.length), at: Number(at), isAfter: after === true },
});

function placeOf(id: string, at: number): { at: number; ipk: string; isk: string } {
  let hash = 0;
  for (let index = 0; index < id.length; index++) hash = (hash * 31 + id.charCodeAt(index)) >>> 0;
  return { at, ipk: PARTITIONS[hash % PARTITIONS.length] as string, isk: `${sortable(at)}#${id}` };
}

function place(
  table: Table,
  id: string,
  at: number,
  { condition, values }: { condition: string; values: Record<string, number> },
): Promise<boolean> {
  const { ipk, isk } = placeOf(id, at);
  return table.update(markerKey(id), {
    expression: "SET #at = :at, ipk = :partition, isk = :position REMOVE #after",
    condition,
    names: { "#at": "at", "#after": "after" },
    values: { ...values, ":at": at, ":partition": ipk, ":position": isk },
    isOwn: (found) => found.at === at,
  });
}
