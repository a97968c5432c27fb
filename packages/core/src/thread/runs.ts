/**
 * The records of runs: the request, and in the end what became of it. A thread's record decides; a run's record follows, and
 * leaves the index of unfinished runs with its last write, so that whatever was cut short is found there.
 */
import { type Item, type Table, tableDefinition } from "../dynamo/index.ts";
import { isOutcomeUnknown } from "../errors.ts";
import { isFinal, RUN_TTL_MS, type Run } from "./policy.ts";
import type { Ending } from "./queue.ts";
import { aboveDue, partsOf, runKey, toRun, UNFINISHED, whereabouts } from "./run-records.ts";
import type { Unfinished } from "./store.ts";

const STATUS = { "#status": "status" };
/** Condition: the run is on record and has not ended. */
const UNENDED = "attribute_exists(pk) AND #status IN (:pending, :running)";
const UNENDED_VALUES = { ":pending": "pending", ":running": "running" };
const MAX_KNOWN = 10_000;
const MAX_MESSAGE = 10_000;

/** The admission whose parts a record's request is in; undefined for one of an earlier version. */
const apartOf = ({ apart }: Item): string | undefined => (typeof apart === "string" ? apart : undefined);

export type RunStore = ReturnType<typeof createRunStore>;

export function createRunStore(table: Table) {
  /** Runs whose records are known to be final here, so that nobody asks for them again. */
  const known = new Set<string>();
  function know(runId: string): void {
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(runId);
  }

  const read = (item: Item): Promise<Run> =>
    toRun(item, async () => {
      const parts: Uint8Array[] = [];
      const range = { pk: item.pk, prefix: partsOf(String(item.id), apartOf(item)) };
      for await (const { data } of table.query(range)) parts.push(data as Uint8Array);
      return parts;
    });

  /** Deletes the parts of one admission, or all of them. */
  const deleteParts = (threadId: string, runId: string, admission?: string): Promise<void> =>
    table.deleteRange({ pk: runKey(threadId, runId).pk, prefix: partsOf(runId, admission) });

  async function discard(threadId: string, runId: string): Promise<void> {
    // The record last: it says where the parts are. Another admission of the run may be storing its own meanwhile.
    const item = await table.get(runKey(threadId, runId));
    if (!item) return;
    if (item.requestExpiresAt !== undefined) await deleteParts(threadId, runId, apartOf(item));
    await table.deleteAll([runKey(threadId, runId)]);
  }

  return {
    toRun: read,
    discard,

    async get(threadId: string, runId: string): Promise<Run | undefined> {
      const item = await table.get(runKey(threadId, runId));
      return item && read(item);
    },

    /** Stores a new run, its request first; false when it is on record. Leaves no request behind that has no record. */
    async store({ parts, item }: { parts: Item[]; item: Item }): Promise<boolean> {
      known.delete(String(item.id));
      try {
        await table.putAll(parts);
        const isStored = await table.putIfAbsent(item);
        if (!isStored && parts.length > 0) await table.deleteAll(parts).catch(() => {});
        return isStored;
      } catch (error) {
        if (parts.length > 0 && !isOutcomeUnknown(error)) await table.deleteAll(parts).catch(() => {});
        throw error;
      }
    },

    /**
     * Takes over a run on record that has not ended, for another admission of it; "absent" when it is not there, and "ended"
     * when it has. The admission that stored it takes it back no more.
     */
    async adopt(threadId: string, runId: string, admission: string): Promise<"adopted" | "ended" | "absent"> {
      const adopted = await table.update(runKey(threadId, runId), {
        expression: "SET admission = :admission",
        condition: UNENDED,
        names: STATUS,
        values: { ...UNENDED_VALUES, ":admission": admission },
        isOwn: (found) => found.admission === admission,
      });
      if (adopted) return "adopted";
      return (await table.get(runKey(threadId, runId))) ? "ended" : "absent";
    },

    /** Sees to it that a run is on record for an admission: "ended" when it was admitted before, and has ended. */
    async secure(
      items: { parts: Item[]; item: Item },
      { threadId, id, admission }: { threadId: string; id: string; admission: string },
    ): Promise<"stored" | "adopted" | "ended"> {
      for (;;) {
        if (await this.store(items)) return "stored";
        const found = await this.adopt(threadId, id, admission);
        if (found !== "absent") return found;
      }
    },

    /** Takes a run back that was not admitted; false when another admission has adopted it. */
    async takeBack(threadId: string, runId: string, admission: string): Promise<boolean> {
      if (!(await table.deleteWhere(runKey(threadId, runId), { admission }))) return false;
      await deleteParts(threadId, runId, admission);
      return true;
    },

    /** Puts the end of a run on its record, as its thread has it, unless it is known to be there. See `putEnd`. */
    async finish(threadId: string, ending: Ending): Promise<void> {
      if (!known.has(ending.runId)) await this.putEnd(threadId, ending);
    },

    /** Puts the end of a run on its record. Idempotent; a run that is not on record stays away. */
    async putEnd(threadId: string, ending: Ending): Promise<void> {
      const { runId, status, at, fence, attempt, yields, error, lastEvent } = ending;
      if (status === "forgotten") await discard(threadId, runId);
      else {
        const optional = {
          ...(error && { error: JSON.stringify({ ...error, message: error.message.slice(0, MAX_MESSAGE) }) }),
          ...(lastEvent !== undefined && { lastEvent }),
        };
        const more = Object.keys(optional);
        await table.update(runKey(threadId, runId), {
          expression: `SET #status = :status, updatedAt = :at, endedBy = :fence, attempt = :attempt, yields = :yields, expiresAt = if_not_exists(requestExpiresAt, :expires)${more.map((name) => `, #${name} = :${name}`).join("")} REMOVE ipk, isk`,
          condition: UNENDED,
          names: { ...STATUS, ...Object.fromEntries(more.map((name) => [`#${name}`, name])) },
          values: {
            ...UNENDED_VALUES,
            ...{ ":status": status, ":at": at, ":fence": fence, ":attempt": attempt, ":yields": yields },
            ":expires": Math.ceil((at + RUN_TTL_MS) / 1000),
            ...Object.fromEntries(Object.entries(optional).map(([name, value]) => [`:${name}`, value])),
          },
        });
      }
      know(runId);
    },

    /** Makes sure that the ends of runs are on their records, which a process may have died before it did. */
    async finishAll(threadId: string, endings: readonly Ending[]): Promise<void> {
      const unknown = endings.filter(({ runId }) => !known.has(runId));
      await Promise.all(
        unknown.map(async (ending) => {
          // A read costs less than a write that changes nothing.
          const item = await table.get(runKey(threadId, ending.runId));
          if (item && !isFinal(item.status as Run["status"])) await this.finish(threadId, ending);
          else know(ending.runId);
        }),
      );
    },

    /** The fence of the lease under which a run ended; undefined when it has not. */
    async endedBy(threadId: string, runId: string): Promise<number | undefined> {
      const item = await table.get(runKey(threadId, runId));
      return typeof item?.endedBy === "number" ? item.endedBy : undefined;
    },

    async *unfinished(dueBy?: number): AsyncGenerator<Unfinished> {
      const range = dueBy === undefined ? {} : { below: aboveDue(dueBy) };
      for (const partition of UNFINISHED)
        for await (const item of table.queryIndex(tableDefinition.index.name, partition, range))
          yield whereabouts(item);
    },
  };
}
