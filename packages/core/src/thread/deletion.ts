/**
 * The deletion of a thread, in steps that a crash may come between. `close` makes the thread absent, so that nothing is
 * admitted to it and nothing begins; then whoever holds it is stopped; `erase` deletes what is stored, the record last.
 * The slower of two deletions may come when the thread is gone and its id is another user's: each step is about a thread
 * that is still closed. A closed thread is in an index of its own, where whoever goes on with an interrupted deletion finds it.
 */
import type { Clock } from "../clock.ts";
import { type Key, type Owned, type Table, tableDefinition } from "../dynamo/index.ts";
import { MARKER, markAfter } from "./marker.ts";
import { CLOSED, RISEN, sortable, threadKey, threadsOf } from "./records.ts";
import { RUNS } from "./run-records.ts";
import type { ErasedRun, ThreadStore } from "./store.ts";

/**
 * The time after which what is stored of a deleted thread is looked for once more, in milliseconds: a request that was sent before the deletion may land after
 * it. AWS refuses one whose signature is older than 15 minutes.
 */
const AFTER_MS = 30 * 60_000;

interface Stores {
  table: Table;
  clock: Clock;
  owned: Owned;
}

type Deletion = Pick<ThreadStore, "close" | "isClosed" | "holderOf" | "erase" | "closed" | "unlist" | "idsOf">;

export function deletion({ table, clock, owned }: Stores): Deletion {
  return {
    // Not parsed: a damaged record can be deleted too, and one without an owner by whom its index entry names.
    async close(id, owner) {
      const now = clock.now();
      const record = await table.updated(threadKey(id), {
        // A process that has read the record before this is to read it again.
        expression: `SET closedAt = if_not_exists(closedAt, :now), ipk = :closed, isk = :position, #owner = :owner, ${RISEN.expression}`,
        condition: "#owner = :owner OR (NOT attribute_type(#owner, :string) AND ipk = :listed)",
        names: { "#owner": "owner" },
        values: {
          ...RISEN.values,
          ":now": now,
          ":closed": CLOSED,
          ":position": `${sortable(now)}#${id}`,
          ":owner": owner,
          ":string": "S",
          ":listed": threadsOf(owner),
        },
      });
      return record && (record.leaseExpiresAt === undefined ? "free" : "held");
    },

    async isClosed(id, owner) {
      const record = await table.get(threadKey(id));
      return record?.owner === owner && record.closedAt !== undefined;
    },

    async holderOf(id) {
      const record = await table.get(threadKey(id));
      if (record?.closedAt === undefined || typeof record.leaseExpiresAt !== "number") return undefined;
      const { leaseHolder, leaseRun, leaseExpiresAt, fence } = record;
      const lease = { holder: String(leaseHolder), expiresAt: leaseExpiresAt, fence: Number(fence) };
      return typeof leaseRun === "string" ? { ...lease, runId: leaseRun } : lease;
    },

    async erase(id, owner, beforeRuns = async () => {}) {
      const record = threadKey(id);
      const keys: Key[] = [];
      const runs: ErasedRun[] = [];
      let closed: number | undefined;
      // The record comes last: when it is closed still, all before it are of the incarnation that has ended.
      for await (const { pk, sk, ...fields } of table.query({ pk: record.pk, withExpired: true })) {
        if (sk !== record.sk && sk !== MARKER) keys.push({ pk, sk });
        if (sk === record.sk && fields.owner === owner && typeof fields.closedAt === "number") closed = fields.closedAt;
        if (sk.startsWith(RUNS)) runs.push({ id: sk.slice(RUNS.length), updatedAt: Number(fields.updatedAt) });
      }
      if (closed === undefined) return;
      if (runs.length > 0) await beforeRuns(runs);
      await table.deleteAll(keys);
      // The list first: another deletion that finds no record answers at once, and then nobody is to find the thread listed.
      await table.deleteAll([owned.keyOf(owner, id)]);
      await markAfter(table, id, clock.now() + AFTER_MS);
      await table.deleteWhere(record, { owner, closedAt: closed });
    },

    async *closed() {
      for await (const { id, owner, closedAt } of table.queryIndex(tableDefinition.index.name, CLOSED))
        yield { id: String(id), owner: String(owner), closedAt: Number(closedAt) };
    },

    unlist: (id, owner) => table.deleteAll([owned.keyOf(owner, id)]),

    idsOf: (owner) => owned.ids(owner),
  };
}
