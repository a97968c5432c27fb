/**
 * A step of a thread's protocol reads the record, decides, and writes the next state unless somebody has written the record
 * meanwhile; then it begins anew. Every change to the queue of a thread that exists is such a step, and so is taking its lease.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { type Item, type Table, untilDone } from "../dynamo/index.ts";
import { mark } from "./marker.ts";
import type { Turns } from "./queue.ts";
import type { Recent } from "./recent.ts";
import {
  deadlineOf,
  floorAt,
  inIncarnation,
  isOver,
  risenFloor,
  storedQueue,
  type ThreadRecord,
  threadKey,
  unchanged,
} from "./records.ts";

interface Decision<R> {
  result: R;
  /** The record's next state; nothing is written when it is left out. */
  write?: {
    turns: Turns;
    set?: Record<string, unknown> | undefined;
    remove?: readonly string[] | undefined;
    /** A sweep's write, which is no activity in the thread. */
    isUpkeep?: boolean | undefined;
  };
}

/**
 * Makes a decision of a record, which is the record as it is now or, where the decision writes, as this process has seen it last. `isUnsure`: an earlier write of this step may have been carried out, and others have written
 * since. The decision may be made again, and is to have no effect that does not bear it.
 */
type Decide<R> = (record: ThreadRecord, isUnsure: boolean) => Decision<R> | Promise<Decision<R>>;

export type Step = <R>(
  threadId: string,
  /** Reads the record; may answer with the one that is given, which others may have written since, in place of a read. */
  read: (recent?: ThreadRecord) => Promise<ThreadRecord | undefined>,
  decide: Decide<R>,
) => Promise<R | undefined>;

export const newNonce = (): string => randomBytes(9).toString("base64url");

/** Undefined when there is no such thread. Throws `store-unavailable`; with the outcome "unknown", the step may have been made. */
export const stepping =
  (table: Table, clock: Clock, recents: Recent): Step =>
  (threadId, read, decide) => {
    let isUnsure = false;
    let recent = recents.take(threadId);
    return untilDone(async () => {
      const given = recent;
      recent = undefined;
      let record = await read(given);
      let decision = record && (await decide(record, isUnsure));
      // A decision that changes nothing is made of the record as it is.
      if (given && (record ?? given) === given && !decision?.write) {
        record = await read();
        decision = record && (await decide(record, isUnsure));
      }
      if (!record || !decision) return undefined;
      const { result, write } = decision;
      if (!write) return result;
      const by = newNonce();
      const isOwn = (found: Item) => {
        if (found.by === by) return true;
        isUnsure = true;
        return false;
      };
      const now = clock.now();
      // A deadline that has passed since the record was read is one for the decision, too.
      if (floorAt(record, now)?.fence !== record.thread.incarnation.floor?.fence) return "again";
      const fields = fieldsOf(record, write, now, by);
      const at = write.set?.prune ? now : marksAt(record, fields);
      if (at !== undefined) await mark(table, threadId, at);
      if (!(await table.update(threadKey(threadId), { ...updateOf(record, fields), isOwn }))) return "again";
      // A sweep that has read the record before this may have taken the marker that was there.
      if (at !== undefined) await mark(table, threadId, at);
      recents.note(withFields(record.item, fields));
      return result;
    });
  };

/** The attributes that a step writes; those that are undefined are removed. */
function fieldsOf(
  record: ThreadRecord,
  { turns, set, remove = [], isUpkeep = false }: Required<Decision<unknown>>["write"],
  now: number,
  by: string,
): Record<string, unknown> {
  const { queue, ended, gone, fence, lease, leasedRun } = turns;
  const ttlMs = (set?.ttlMs as number | undefined) ?? record.thread.ttlMs;
  return {
    ...{ line: storedQueue(queue), fence, by, revision: record.revision + 1, ...(!isUpkeep && { updatedAt: now }) },
    ended: ended.length > 0 ? JSON.stringify(ended) : undefined,
    gone: gone.length > 0 ? gone : undefined,
    ...{ leaseId: lease?.id, leaseHolder: lease?.holder, leaseExpiresAt: lease?.expiresAt, leaseRun: leasedRun },
    // A thread that is over is not brought back by what tidies up in it.
    ...(ttlMs !== undefined && !isOver(record, now) && !isUpkeep && { deadline: deadlineOf(ttlMs, now) }),
    ...risenFloor(record, now),
    ...set,
    ...Object.fromEntries(remove.map((name) => [name, undefined])),
  };
}

/** The instant at which the sweep has to look from now on, where the marker that is there may not be enough. */
function marksAt({ thread }: ThreadRecord, { ttlMs, deadline, floor }: Record<string, unknown>): number | undefined {
  if (typeof deadline !== "number") return undefined;
  const hadNone = thread.deadline === undefined || deadline < thread.deadline;
  return ttlMs !== undefined || hadNone || floor !== undefined ? deadline : undefined;
}

function withFields(item: Item, fields: Record<string, unknown>): Item {
  const { pk, sk, ...rest } = { ...item, ...fields };
  return { pk, sk, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) };
}

function updateOf(record: ThreadRecord, fields: Record<string, unknown>) {
  const [sets, removes]: [string[], string[]] = [[], []];
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    names[`#${name}`] = name;
    if (value === undefined) removes.push(`#${name}`);
    else {
      sets.push(`#${name} = :${name}`);
      values[`:${name}`] = value;
    }
  }
  const incarnation = inIncarnation(record.thread.incarnation);
  const same = unchanged(record.revision);
  return {
    expression: `SET ${sets.join(", ")}${removes.length > 0 ? ` REMOVE ${removes.join(", ")}` : ""}`,
    condition: `attribute_exists(pk) AND ${incarnation.condition} AND ${same.condition}`,
    names,
    values: { ...values, ...incarnation.values, ...same.values },
  };
}
