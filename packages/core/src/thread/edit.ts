/**
 * A change of a thread's state by something else than a run: it holds the thread's lease, so that no run begins beside it and
 * a deletion waits for it. The status is derived when the lease is given back.
 */
import type { Clock } from "../clock.ts";
import { type Table, untilDone } from "../dynamo/index.ts";
import type { LeasePolicy } from "./policy.ts";
import { heldBy, inLife, LEASE_FREE, projecting, type ThreadRecord, threadKey } from "./records.ts";
import type { ThreadStore } from "./store.ts";

interface Stores {
  table: Table;
  clock: Clock;
  policy: LeasePolicy;
  read: (threadId: string, owner: string) => Promise<ThreadRecord | undefined>;
}

export function editing({ table, clock, policy, read }: Stores): Pick<ThreadStore, "hold" | "free"> {
  return {
    hold: (id, owner, holder) =>
      untilDone(async () => {
        const record = await read(id, owner);
        if (record?.thread.owner !== owner) return undefined;
        const now = clock.now();
        const { line, stored, fence: seen, leaseExpiresAt = 0, thread } = record;
        if (line.length > 0 || leaseExpiresAt > now) return "busy";
        const life = inLife(thread.life);
        const [fence, expiresAt] = [seen + 1, now + policy.leaseMs];
        const taken = await table.update(threadKey(id), {
          expression: "SET leaseHolder = :holder, leaseExpiresAt = :until, fence = :fence REMOVE leaseRun",
          condition: `${LEASE_FREE} AND line = :line AND ${life.condition}`,
          names: {},
          values: {
            ...life.values,
            ...{ ":holder": holder, ":until": expiresAt, ":fence": fence },
            ...{ ":seen": seen, ":now": now, ":line": stored },
          },
          isOwn: (found) => found.leaseHolder === holder && found.fence === fence,
        });
        return taken ? { threadId: id, runId: "", holder, fence, expiresAt, line: stored, life: thread.life } : "again";
      }),

    async free(lease, state) {
      const { threadId, fence } = lease;
      const held = heldBy(lease);
      const { status, projection } = state ?? {};
      const projected = projecting(projection, fence);
      await table.update(threadKey(threadId), {
        expression: `SET updatedAt = :now${status ? ", #status = :status" : ""}${projected.set} REMOVE ${["leaseHolder", "leaseExpiresAt", projected.remove].filter(Boolean).join(", ")}`,
        condition: held.condition,
        names: status ? { "#status": "status" } : {},
        values: {
          ...{ ":now": clock.now(), ...held.values, ...projected.values },
          ...(status && { ":status": status }),
        },
      });
    },
  };
}
