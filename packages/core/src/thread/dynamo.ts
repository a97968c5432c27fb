import type { Clock } from "../clock.ts";
import { type Table, tableDefinition } from "../dynamo/index.ts";
import { admit } from "./admission.ts";
import { untilDone } from "./again.ts";
import { type Lease, type LeasePolicy, RUN_TTL_MS, type SettledStatus } from "./policy.ts";
import { LEASE_FREE, lineOf, RUNS, type ThreadRecord, threadItem, threadKey, threadsOf, toThread } from "./records.ts";
import { createRunStore } from "./runs.ts";
import type { ThreadStore } from "./store.ts";

export function createThreadStore(table: Table, clock: Clock, policy: LeasePolicy): ThreadStore {
  const runs = createRunStore(table, clock);

  async function read(id: string): Promise<ThreadRecord | undefined> {
    const item = await table.get(threadKey(id));
    return item && toThread(item);
  }

  /** Takes a run out of its thread's line, with nobody at work. */
  async function leave(threadId: string, runId: string, settled: SettledStatus = "idle"): Promise<void> {
    await untilDone(async () => {
      const record = await read(threadId);
      if (!record?.line.some(([id]) => id === runId)) return undefined;
      const line = record.line.filter(([id]) => id !== runId);
      const left = await table.update(threadKey(threadId), {
        expression: "SET line = :line, updatedAt = :now, #status = :status",
        condition: "line = :before",
        names: { "#status": "status" },
        values: {
          ":line": JSON.stringify(line),
          ":before": record.stored,
          ":now": clock.now(),
          ":status": settled,
        },
      });
      return left ? undefined : "again";
    });
  }

  async function giveBack({ threadId, holder, fence }: Lease): Promise<void> {
    await table.update(threadKey(threadId), {
      expression: "REMOVE leaseHolder, leaseExpiresAt",
      condition: HELD,
      names: {},
      values: { ":holder": holder, ":fence": fence },
    });
  }

  return {
    async create(thread) {
      const item = threadItem(thread, clock.now());
      return (await table.putIfAbsent(item)) && toThread(item).thread;
    },

    async get(id, owner) {
      const record = await read(id);
      return record?.thread.owner === owner ? record.thread : undefined;
    },

    async *list(owner) {
      for await (const item of table.queryIndex(tableDefinition.index.name, threadsOf(owner), { descending: true }))
        yield toThread(item).thread;
    },

    change: (id, owner, { metadata, config }) =>
      untilDone(async () => {
        const record = await read(id);
        if (record?.thread.owner !== owner) return undefined;
        const thread = {
          ...record.thread,
          metadata: { ...record.thread.metadata, ...metadata },
          config: config ?? record.thread.config,
          updatedAt: clock.now(),
        };
        const changed = await table.update(threadKey(id), {
          expression: "SET metadata = :metadata, config = :config, updatedAt = :now",
          condition: "metadata = :before AND #owner = :owner",
          names: { "#owner": "owner" },
          values: {
            ":metadata": JSON.stringify(thread.metadata),
            ":config": JSON.stringify(thread.config),
            ":before": record.metadata,
            ":owner": owner,
            ":now": thread.updatedAt,
          },
        });
        return changed ? thread : "again";
      }),

    async remove(id, owner) {
      const record = await read(id);
      if (record?.thread.owner !== owner) return false;
      const keys = [];
      for await (const { pk, sk } of table.query({ pk: threadKey(id).pk, withExpired: true }))
        if (sk !== threadKey(id).sk) keys.push({ pk, sk });
      await table.deleteAll(keys);
      await table.deleteAll([threadKey(id)]);
      return true;
    },

    admit: (run, options) => admit({ table, clock, policy, runs, read }, run, options),

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
        const expiresAt = now + policy.leaseMs;
        const taken = await table.update(threadKey(threadId), {
          expression:
            "SET leaseHolder = :holder, leaseRun = :run, leaseExpiresAt = :until, fence = :fence, updatedAt = :now",
          condition: LEASE_FREE,
          names: {},
          values: {
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
        const lease = { threadId, runId, holder, fence, expiresAt, line: record.stored };
        const run = await runs.begin(lease);
        if (run) return { lease, run };
        // It has ended, or was never stored: there is nothing to do for it.
        await leave(threadId, runId, await runs.settledAs(threadId, runId));
        await giveBack(lease);
        return "again";
      }),

    async renew(lease) {
      const expiresAt = clock.now() + policy.leaseMs;
      const renewed = await table.update(threadKey(lease.threadId), {
        expression: "SET leaseExpiresAt = :until",
        condition: HELD,
        names: {},
        values: { ":until": expiresAt, ":holder": lease.holder, ":fence": lease.fence },
      });
      if (!renewed) return undefined;
      const cancel = await runs.wish(lease.threadId, lease.runId);
      return { lease: { ...lease, expiresAt }, ...(cancel && { cancel }) };
    },

    async release(lease) {
      await runs.yielded(lease);
      await giveBack(lease);
    },

    async settle(lease, { status, thread, error, forget = false }) {
      const ended = forget
        ? await runs.forget(lease)
        : await runs.end(lease, { status, thread, expiresAt: Math.ceil((clock.now() + RUN_TTL_MS) / 1000), error });
      if (!ended) return "lost";
      let stored: string | undefined = lease.line;
      return untilDone(async () => {
        if (stored === undefined) {
          const record = await read(lease.threadId);
          if (record?.holder !== lease.holder || record.fence !== lease.fence) return "lost";
          stored = record.stored;
        }
        const before = lineOf(stored);
        const line = before.filter(([id]) => id !== lease.runId);
        const released = await table.update(threadKey(lease.threadId), {
          expression:
            "SET line = :line, #status = :status, updatedAt = :now REMOVE leaseHolder, leaseRun, leaseExpiresAt",
          condition: `${HELD} AND line = :before`,
          names: { "#status": "status" },
          values: {
            ":line": JSON.stringify(line),
            ":before": stored,
            ":status": thread,
            ":now": clock.now(),
            ":holder": lease.holder,
            ":fence": lease.fence,
          },
          isOwn: (found) => found.fence === lease.fence && found.leaseHolder === undefined,
        });
        if (released) return line.length > 0 ? "next" : "done";
        stored = undefined;
        return "again";
      });
    },

    run: (threadId, runId) => runs.get(threadId, runId),

    async *runs(threadId) {
      const range = { pk: threadKey(threadId).pk, prefix: RUNS, descending: true };
      for await (const item of table.query(range)) yield runs.toRun(item);
    },

    async cancel(threadId, runId, action) {
      const asked = await runs.cancel(threadId, runId, action);
      if (asked === "ended") await leave(threadId, runId);
      return asked;
    },

    async removeRun(threadId, runId) {
      await runs.discard(threadId, runId);
      await leave(threadId, runId);
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

const HELD = "leaseHolder = :holder AND fence = :fence";
