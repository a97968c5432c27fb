/**
 * The lifetime of a thread, and of all that is in it. A thread that has one is over once nothing was written to its record for that
 * long: every write moves its deadline, and one with a run in its queue, or whose lease is held, goes on. The deadline stands in the
 * record, and each reader compares it, so that a thread is absent at its deadline without any sweep. No item of a thread has a TTL
 * of DynamoDB's, which would take some of them before the others.
 *
 * A sweep deletes what is over. It finds threads by a marker, an item of the thread's partition that the index has by the instant at which
 * to look. A write of the record leaves the marker where it is: the sweep that comes by moves it on.
 */
import type { Clock } from "../clock.ts";
import { type Key, type Table, tableDefinition } from "../dynamo/index.ts";
import { CLOSED, isOver, sortable, THREAD, type ThreadRecord, threadKey } from "./records.ts";
import type { Step } from "./step.ts";
import type { ThreadStore } from "./store.ts";

/** Partitions of the index that hold the markers: several, since one takes 1,000 write units a second. */
const PARTITIONS = Array.from({ length: 8 }, (_, shard) => `threads#deadlines#${shard}`);
/** A marker without a thread may be that of one that is being made: so long after its instant it is not. */
const STRAY_MS = 3_600_000;

const markerKey = (id: string): Key => ({ pk: threadKey(id).pk, sk: "deadline" });

/**
 * Has the sweep look at a thread at an instant, if it does not look sooner anyway. To be called before the record gets its lifetime. A
 * marker is never moved to a later instant by this: the id may be that of another user's thread, or the record's write may fail.
 */
export function mark(table: Table, id: string, at: number): Promise<boolean> {
  return place(table, id, at, { condition: "attribute_not_exists(pk) OR #at > :at", values: {} });
}

function place(
  table: Table,
  id: string,
  at: number,
  { condition, values }: { condition: string; values: Record<string, number> },
): Promise<boolean> {
  let hash = 0;
  for (let index = 0; index < id.length; index++) hash = (hash * 31 + id.charCodeAt(index)) >>> 0;
  return table.update(markerKey(id), {
    expression: "SET #at = :at, ipk = :partition, isk = :position",
    condition,
    names: { "#at": "at" },
    values: {
      ...values,
      ...{ ":at": at, ":partition": PARTITIONS[hash % PARTITIONS.length], ":position": `${sortable(at)}#${id}` },
    },
    isOwn: (found) => found.at === at,
  });
}

interface Stores {
  table: Table;
  clock: Clock;
  step: Step;
  stored: (id: string) => Promise<ThreadRecord | undefined>;
}

export function lifetimes({ table, clock, step, stored }: Stores): Pick<ThreadStore, "expire" | "overdue"> {
  async function expire(id: string): Promise<string | undefined> {
    const owner = await step<string | undefined>(
      id,
      () => stored(id),
      (record) => {
        const now = clock.now();
        const { owner } = record.thread;
        if (!isOver(record, now)) return { result: undefined };
        if (record.closedAt !== undefined) return { result: owner };
        const closed = { owner, closedAt: now, ipk: CLOSED, isk: `${sortable(now)}#${id}` };
        return { result: owner, write: { turns: record.turns, set: closed } };
      },
    );
    return owner;
  }

  return {
    expire,

    async *overdue() {
      const now = clock.now();
      for (const partition of PARTITIONS)
        for await (const { pk, sk } of table.queryIndex(tableDefinition.index.name, partition, {
          below: sortable(now),
        })) {
          const id = pk.slice(THREAD.length);
          // The index may be behind.
          const marker = await table.get({ pk, sk });
          if (!marker || Number(marker.at) > now) continue;
          const record = await stored(id);
          if (record?.closedAt !== undefined) continue;
          const owner = await expire(id);
          if (owner !== undefined) yield { id, owner };
          else if (record?.thread.deadline !== undefined) {
            const at = Math.max(record.thread.deadline, now + 1000);
            await place(table, id, at, { condition: "#at = :seen", values: { ":seen": Number(marker.at) } });
          } else if (record || Number(marker.at) + STRAY_MS < now)
            await table.deleteWhere({ pk, sk }, { at: Number(marker.at) });
        }
    },
  };
}
