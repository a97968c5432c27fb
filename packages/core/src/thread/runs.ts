/** The records of runs, of which threads keep the line. */
import type { Clock } from "../clock.ts";
import { type Item, type Table, tableDefinition } from "../dynamo/index.ts";
import {
  type CancelAction,
  type FinalStatus,
  isFinal,
  type Lease,
  RUN_TTL_MS,
  type Run,
  type SettledStatus,
} from "./policy.ts";
import { partsOf, placeOf, runKey, toRun, UNFINISHED } from "./records.ts";

interface Ending {
  status: FinalStatus;
  /** What it leaves its thread as. */
  thread: SettledStatus;
  expiresAt: number;
  error?: Run["error"] | undefined;
}

const STATUS = { "#status": "status" };
/** What a run loses when it ends: its place in the index of those that have not. */
const ENDED = "REMOVE ipk, isk, cancel";

export type RunStore = ReturnType<typeof createRunStore>;

export function createRunStore(table: Table, clock: Clock) {
  const read = (item: Item): Promise<Run> =>
    toRun(item, async () => {
      const parts: Uint8Array[] = [];
      const range = { pk: item.pk, prefix: partsOf(String(item.id)) };
      for await (const { data } of table.query(range)) parts.push(data as Uint8Array);
      return parts;
    });

  const get = async (threadId: string, runId: string): Promise<Run | undefined> => {
    const item = await table.get(runKey(threadId, runId));
    return item && read(item);
  };

  return {
    get,
    toRun: read,

    /** The fence of a run that has not ended, if it has one. */
    async unended(threadId: string, runId: string): Promise<{ fence?: number } | undefined> {
      const item = await table.get(runKey(threadId, runId));
      if (!item || isFinal(item.status as Run["status"])) return undefined;
      return typeof item.fence === "number" ? { fence: item.fence } : {};
    },

    /** Takes back that a run is running, when its lease was not to be had. Idempotent. */
    async unbegun(threadId: string, runId: string, { fence, holder }: Pick<Lease, "fence" | "holder">): Promise<void> {
      await table.update(runKey(threadId, runId), {
        expression: "SET #status = :pending, attempt = :none REMOVE fence, leaseHolder",
        condition: "fence = :fence AND leaseHolder = :holder AND #status = :running",
        names: STATUS,
        values: { ":pending": "pending", ":none": 0, ":fence": fence, ":holder": holder, ":running": "running" },
      });
    },

    /** Marks the lease's run as running, once more; undefined when there is nothing to run. A damaged one ends with an error. */
    async begin(lease: Lease): Promise<Run | undefined> {
      const { threadId, runId, holder, fence } = lease;
      const begun = await table.updated(runKey(threadId, runId), {
        expression:
          "SET #status = :running, attempt = attempt + :one, fence = :fence, leaseHolder = :holder, updatedAt = :now",
        condition: "#status IN (:pending, :running) AND (attribute_not_exists(fence) OR fence < :fence)",
        names: STATUS,
        values: {
          ":running": "running",
          ":pending": "pending",
          ":one": 1,
          ":fence": fence,
          ":holder": holder,
          ":now": clock.now(),
        },
        isOwn: (found) => found.fence === fence && found.leaseHolder === holder,
      });
      const run = begun && (await read(begun));
      if (!run?.damage) return run;
      const { what, advice } = run.damage;
      const error = { error: "record-damaged", message: `What is stored cannot be read: ${what}. ${advice}` };
      const expiresAt = Math.ceil((clock.now() + RUN_TTL_MS) / 1000);
      await this.end(lease, { status: "error", thread: "error", expiresAt, error });
      return undefined;
    },

    /** Notes that the lease's run was given back, not lost. Idempotent. */
    async yielded({ threadId, runId, fence }: Lease): Promise<void> {
      await table.update(runKey(threadId, runId), {
        expression: "SET yields = if_not_exists(yields, :none) + :one, yieldedBy = :fence",
        condition: "fence = :fence AND #status = :running AND (attribute_not_exists(yieldedBy) OR yieldedBy < :fence)",
        names: STATUS,
        values: { ":none": 0, ":one": 1, ":fence": fence, ":running": "running" },
      });
    },

    /** Ends the lease's run; false when somebody else has it. Idempotent. */
    async end({ threadId, runId, fence }: Lease, { status, thread, expiresAt, error }: Ending): Promise<boolean> {
      const isOwn = (found: Item) => found.fence === fence && found.status === status;
      const ended = await table.update(runKey(threadId, runId), {
        expression: `SET #status = :status, settledAs = :thread, updatedAt = :now, expiresAt = :expires${error ? ", #error = :error" : ""} ${ENDED}`,
        condition: "fence = :fence AND #status = :running",
        names: { ...STATUS, ...(error && { "#error": "error" }) },
        values: {
          ":status": status,
          ":thread": thread,
          ":running": "running",
          ":now": clock.now(),
          ":expires": expiresAt,
          ":fence": fence,
          ...(error && { ":error": JSON.stringify(error) }),
        },
        isOwn,
      });
      if (ended) return true;
      const item = await table.get(runKey(threadId, runId));
      return item !== undefined && isOwn(item);
    },

    /** The status that a run left its thread with; undefined for one that never began. */
    async settledAs(threadId: string, runId: string): Promise<SettledStatus | undefined> {
      const item = await table.get(runKey(threadId, runId));
      return item?.settledAs as SettledStatus | undefined;
    },

    /** Deletes the lease's run; false when somebody else has it. */
    async forget({ threadId, runId, fence }: Lease): Promise<boolean> {
      const item = await table.get(runKey(threadId, runId));
      if (item && item.fence !== fence) return false;
      await this.discard(threadId, runId);
      return true;
    },

    async wish(threadId: string, runId: string): Promise<CancelAction | undefined> {
      const item = await table.get(runKey(threadId, runId));
      return item?.cancel === "interrupt" || item?.cancel === "rollback" ? item.cancel : undefined;
    },

    async cancel(threadId: string, runId: string, action: CancelAction): Promise<"ended" | "asked" | "not-found"> {
      const key = runKey(threadId, runId);
      for (;;) {
        const item = await table.get(key);
        if (!item) return "not-found";
        if (isFinal(item.status as Run["status"])) return "ended";
        if (item.status === "pending" && action === "rollback") {
          // Marked first, so that nobody begins it while it is deleted.
          if (await this.endPending(threadId, runId)) {
            await this.discard(threadId, runId);
            return "ended";
          }
        } else if (item.status === "pending") {
          if (await this.endPending(threadId, runId)) return "ended";
        } else {
          const asked = await table.update(key, {
            expression: "SET cancel = :action",
            condition: "#status = :running",
            names: STATUS,
            values: { ":action": action, ":running": "running" },
          });
          if (asked) return "asked";
        }
      }
    },

    endPending(threadId: string, runId: string): Promise<boolean> {
      return table.update(runKey(threadId, runId), {
        expression: `SET #status = :interrupted, updatedAt = :now ${ENDED}`,
        condition: "#status = :pending",
        names: STATUS,
        values: { ":interrupted": "interrupted", ":pending": "pending", ":now": clock.now() },
        isOwn: (found) => found.status === "interrupted",
      });
    },

    /** Ends a run that nobody has begun, or ever will. */
    async endStray(threadId: string, runId: string, expiresAt: number): Promise<void> {
      const error = { error: "Error", message: "The request for this run was cut short, so that it never began." };
      await table.update(runKey(threadId, runId), {
        expression: `SET #status = :error, #error = :why, updatedAt = :now, expiresAt = :expires ${ENDED}`,
        condition: "#status IN (:pending, :running)",
        names: { ...STATUS, "#error": "error" },
        values: {
          ":error": "error",
          ":why": JSON.stringify(error),
          ":now": clock.now(),
          ":expires": expiresAt,
          ":pending": "pending",
          ":running": "running",
        },
      });
    },

    async discard(threadId: string, runId: string): Promise<void> {
      const keys = [runKey(threadId, runId)];
      for await (const { pk, sk } of table.query({ pk: runKey(threadId, runId).pk, prefix: partsOf(runId) }))
        keys.push({ pk, sk });
      await table.deleteAll(keys);
    },

    async *unfinished(): AsyncGenerator<{ threadId: string; runId: string; startAt: number }> {
      for await (const item of table.queryIndex(tableDefinition.index.name, UNFINISHED)) yield placeOf(item);
    },
  };
}
