import type { Clock } from "../clock.ts";
import { Owned, type Table, tableDefinition, untilDone } from "../dynamo/index.ts";
import { refuseDamaged } from "../errors.ts";
import { withUndone } from "../life.ts";
import { admit, admitNew } from "./admission.ts";
import { deletion } from "./deletion.ts";
import { editing } from "./edit.ts";
import { type Lease, type LeasePolicy, RUN_TTL_MS, type SettledStatus } from "./policy.ts";
import {
  heldBy,
  inLife,
  LEASE_FREE,
  lineOf,
  OPEN,
  projecting,
  RUNS,
  type ThreadRecord,
  threadItem,
  threadKey,
  threadsOf,
  toThread,
} from "./records.ts";
import { createRunStore } from "./runs.ts";
import type { ThreadStore } from "./store.ts";

export function createThreadStore(table: Table, clock: Clock, policy: LeasePolicy): ThreadStore {
  const runs = createRunStore(table, clock);
  const owned = new Owned(table, "thread");

  async function stored(id: string): Promise<ThreadRecord | undefined> {
    const item = await table.get(threadKey(id));
    return item && toThread(item);
  }

  /** A thread that is being deleted is absent. */
  async function read(id: string): Promise<ThreadRecord | undefined> {
    const record = await stored(id);
    return record?.closedAt === undefined ? record : undefined;
  }

  /** An owner's record that is to be written to. Throws `record-damaged`: what is lost would be lost for good. */
  async function readWhole(id: string, owner: string): Promise<ThreadRecord | undefined> {
    const record = await read(id);
    if (record?.thread.owner === owner) refuseDamaged(record.thread);
    return record;
  }

  /** Takes a run out of its thread's line, with nobody at work. One that never began leaves the status as it was. */
  async function leave(threadId: string, runId: string, settled: SettledStatus | undefined): Promise<void> {
    await untilDone(async () => {
      const record = await read(threadId);
      if (!record?.line.some(([id]) => id === runId)) return undefined;
      const line = record.line.filter(([id]) => id !== runId);
      const life = inLife(record.thread.life);
      const left = await table.update(threadKey(threadId), {
        expression: `SET line = :line, updatedAt = :now${settled ? ", #status = :status" : ""}`,
        condition: `line = :before AND ${life.condition}`,
        names: settled ? { "#status": "status" } : {},
        values: {
          ...life.values,
          ":line": JSON.stringify(line),
          ":before": record.stored,
          ":now": clock.now(),
          ...(settled && { ":status": settled }),
        },
      });
      return left ? undefined : "again";
    });
  }

  async function giveBack(lease: Lease): Promise<void> {
    const { condition, values } = heldBy(lease);
    await table.update(threadKey(lease.threadId), {
      ...{ expression: "REMOVE leaseHolder, leaseExpiresAt", condition, names: {}, values },
    });
  }

  return {
    async create(thread) {
      const item = threadItem(thread, clock.now());
      await owned.add(thread.owner, thread.id);
      if (await table.putIfAbsent(item)) return toThread(item).thread;
      if ((await read(thread.id))?.thread.owner !== thread.owner)
        await table.deleteAll([owned.keyOf(thread.owner, thread.id)]);
      return false;
    },

    async get(id, owner) {
      const record = await read(id);
      return record?.thread.owner === owner ? record.thread : undefined;
    },

    async *list(owner, { order = "desc", firstPage } = {}) {
      const options = { descending: order === "desc", ...(firstPage !== undefined && { firstPage }) };
      const items = table.queryIndex(tableDefinition.index.name, threadsOf(owner), options);
      const isThere = async (id: string) => (await read(id))?.thread.owner === owner;
      for await (const item of owned.present(owner, items, {
        idOf: ({ pk }) => pk.slice(threadKey("").pk.length),
        isThere,
      }))
        if (item.closedAt === undefined) yield toThread(item).thread;
    },

    change: (id, owner, { metadata, config }) =>
      untilDone(async () => {
        const record = await readWhole(id, owner);
        if (record?.thread.owner !== owner) return undefined;
        const thread = {
          ...record.thread,
          metadata: { ...record.thread.metadata, ...metadata },
          config: config ?? record.thread.config,
          updatedAt: clock.now(),
        };
        const life = inLife(thread.life);
        const changed = await table.update(threadKey(id), {
          expression: "SET metadata = :metadata, config = :config, updatedAt = :now",
          condition: `metadata = :before AND #owner = :owner AND ${life.condition} AND ${OPEN}`,
          names: { "#owner": "owner" },
          values: {
            ...life.values,
            ":metadata": JSON.stringify(thread.metadata),
            ":config": JSON.stringify(thread.config),
            ":before": record.metadata,
            ":owner": owner,
            ":now": thread.updatedAt,
          },
        });
        return changed ? thread : "again";
      }),

    ...editing({ table, clock, policy, read: readWhole }),

    admit: (run, options) =>
      admit({ table, clock, policy, runs, read: (id) => readWhole(id, run.owner) }, run, options),

    admitNew: (run, options) => admitNew({ table, clock, policy, runs, owned }, run, options),

    begin: (threadId, holder) =>
      untilDone(async () => {
        const now = clock.now();
        const record = await read(threadId);
        if (!record || record.line.length === 0) return undefined;
        const { leaseExpiresAt, fence: seen } = record;
        if (leaseExpiresAt !== undefined && leaseExpiresAt > now) return { retryAt: leaseExpiresAt };
        // One that was under way when its lease lapsed comes first.
        const lapsed = record.line.find(([id]) => id === record.leasedRun);
        const [runId, startAt] = lapsed ?? record.line.toSorted(([, a], [, b]) => a - b)[0] ?? ["", 0];
        if (startAt > now) return { retryAt: startAt };
        const fence = seen + 1;
        const life = inLife(record.thread.life);
        const expiresAt = now + policy.leaseMs;
        const taken = await table.update(threadKey(threadId), {
          expression:
            "SET leaseHolder = :holder, leaseRun = :run, leaseExpiresAt = :until, fence = :fence, updatedAt = :now",
          condition: `${LEASE_FREE} AND ${life.condition}`,
          names: {},
          values: {
            ...life.values,
            ":holder": holder,
            ":run": runId,
            ":until": expiresAt,
            ":fence": fence,
            ":seen": seen,
            ":now": now,
          },
          isOwn: (found) => found.leaseHolder === holder && found.fence === fence,
        });
        if (!taken) return "again";
        const lease = { threadId, runId, holder, fence, expiresAt, line: record.stored, life: record.thread.life };
        const run = await runs.begin(lease);
        if (run) return { lease, run };
        // It has ended, or was never stored: there is nothing to do for it.
        await leave(threadId, runId, await runs.settledAs(threadId, runId));
        await giveBack(lease);
        return "again";
      }),

    async renew(lease) {
      const expiresAt = clock.now() + policy.leaseMs;
      const { condition, values } = heldBy(lease);
      const renewed = await table.update(threadKey(lease.threadId), {
        expression: "SET leaseExpiresAt = :until",
        condition,
        names: {},
        values: { ...values, ":until": expiresAt },
      });
      if (!renewed) return undefined;
      const cancel = await runs.wish(lease.threadId, lease.runId);
      return { lease: { ...lease, expiresAt }, ...(cancel && { cancel }) };
    },

    async release(lease) {
      await runs.yielded(lease);
      await giveBack(lease);
    },

    async undo(lease) {
      const undone = withUndone(lease.life.undone, lease.runId);
      const { condition, values } = heldBy(lease);
      const marked = await table.update(threadKey(lease.threadId), {
        expression: "SET undone = :undone",
        condition,
        names: {},
        values: { ...values, ":undone": undone },
      });
      return marked;
    },

    async settle(lease, { status, thread, projection, error, forget = false, close = false }) {
      const projected = projecting(projection, lease.fence);
      const ended = forget
        ? await runs.forget(lease)
        : await runs.end(lease, { status, thread, expiresAt: Math.ceil((clock.now() + RUN_TTL_MS) / 1000), error });
      if (!ended) return "lost";
      let seen: string | undefined = lease.line;
      return untilDone(async () => {
        if (seen === undefined) {
          const record = await stored(lease.threadId);
          if (record?.thread.life.id !== lease.life.id) return "lost";
          if (record?.holder !== lease.holder || record.fence !== lease.fence) return "lost";
          seen = record.stored;
        }
        const before = lineOf(seen);
        const line = before.filter(([id]) => id !== lease.runId);
        const now = clock.now();
        const closes = close && line.length === 0;
        const held = heldBy(lease);
        const released = await table.update(threadKey(lease.threadId), {
          expression: `SET line = :line, #status = :status, updatedAt = :now${projected.set}${
            closes ? ", closedAt = :now, expiresAt = :expires" : ""
          } REMOVE ${["leaseHolder", "leaseRun", "leaseExpiresAt", projected.remove].filter(Boolean).join(", ")}`,
          condition: `${held.condition} AND line = :before`,
          names: { "#status": "status" },
          values: {
            ...projected.values,
            ":line": JSON.stringify(line),
            ":before": seen,
            ":status": thread,
            ":now": now,
            ...held.values,
            ...(closes && { ":expires": Math.ceil((now + CLOSED_TTL_MS) / 1000) }),
          },
          isOwn: (found) => found.fence === lease.fence && found.leaseHolder === undefined,
        });
        if (released) return line.length > 0 ? "next" : "done";
        seen = undefined;
        return "again";
      });
    },

    run: (threadId, runId) => runs.get(threadId, runId),

    async *runs(threadId, owner) {
      const range = { pk: threadKey(threadId).pk, prefix: RUNS, descending: true };
      // A damaged run does not tell whose it was.
      for await (const item of table.query(range))
        if (item.owner === owner || typeof item.owner !== "string") yield runs.toRun(item);
    },

    async cancel(threadId, runId, action) {
      const asked = await runs.cancel(threadId, runId, action);
      if (asked === "ended") await leave(threadId, runId, await runs.settledAs(threadId, runId));
      return asked;
    },

    ...deletion({ table, clock, owned }),

    async removeRun(threadId, runId) {
      const settled = await runs.settledAs(threadId, runId);
      await runs.discard(threadId, runId);
      await leave(threadId, runId, settled);
    },

    async endStray(threadId, runId) {
      const record = await read(threadId);
      if (!record) return runs.discard(threadId, runId);
      if (record.line.some(([id]) => id === runId)) return;
      await runs.endStray(threadId, runId, Math.ceil((clock.now() + RUN_TTL_MS) / 1000));
    },

    unfinished: () => runs.unfinished(),
  };
}

/** The time that the record of a thread that went with its run stays, should nobody erase it. */
const CLOSED_TTL_MS = 60 * 60 * 1000;
