import type { Clock } from "../clock.ts";
import type { Item, Table } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import { type LeasePolicy, statusAt, type Thread, type ThreadStatus } from "./policy.ts";
import type { ThreadStore } from "./store.ts";

const keyOf = (id: string) => ({ pk: `thread#${id}`, sk: "thread" });

const names = { "#status": "status", "#holder": "leaseHolder", "#until": "leaseExpiresAt" };
const HELD = "#holder = :holder AND fence = :fence";

export function createThreadStore(table: Table, clock: Clock, policy: LeasePolicy): ThreadStore {
  return {
    async create({ id, owner, metadata }) {
      const now = clock.now();
      const thread = { id, owner, metadata, createdAt: now, updatedAt: now, status: "idle" as const };
      const item = { ...keyOf(id), ...thread, metadata: JSON.stringify(metadata), fence: 0 };
      return (await table.putIfAbsent(item)) && thread;
    },

    async get(id, owner) {
      const item = await table.get(keyOf(id));
      return item?.owner === owner ? toThread(item, clock.now()) : undefined;
    },

    async acquireLease(id, owner, holder, metadata = {}) {
      const now = clock.now();
      const item = await table.get(keyOf(id));
      if (item?.owner !== owner) return "not-found";
      const fence = Number(item.fence) + 1;
      const expiresAt = now + policy.leaseMs;
      const taken = await table.update(keyOf(id), {
        expression:
          "SET #status = :busy, #holder = :holder, #until = :until, fence = :fence, metadata = :metadata, updatedAt = :now",
        condition: "#owner = :owner AND fence = :seen AND (attribute_not_exists(#until) OR #until <= :now)",
        names: { ...names, "#owner": "owner" },
        values: {
          ":busy": "busy",
          ":holder": holder,
          ":until": expiresAt,
          ":fence": fence,
          ":seen": item.fence,
          ":owner": owner,
          ":metadata": JSON.stringify({ ...toThread(item, now).metadata, ...metadata }),
          ":now": now,
        },
        isOwn: (found) => found.leaseHolder === holder && found.fence === fence,
      });
      return taken ? { threadId: id, holder, fence, expiresAt } : "busy";
    },

    async renewLease(lease) {
      const now = clock.now();
      const expiresAt = now + policy.leaseMs;
      const renewed = await table.update(keyOf(lease.threadId), {
        expression: "SET #until = :until, updatedAt = :now",
        condition: HELD,
        names: { "#holder": names["#holder"], "#until": names["#until"] },
        values: { ":until": expiresAt, ":now": now, ":holder": lease.holder, ":fence": lease.fence },
      });
      return renewed ? { ...lease, expiresAt } : undefined;
    },

    async releaseLease(lease, status) {
      return table.update(keyOf(lease.threadId), {
        expression: "SET #status = :status, updatedAt = :now REMOVE #holder, #until",
        condition: HELD,
        names,
        values: { ":status": status, ":now": clock.now(), ":holder": lease.holder, ":fence": lease.fence },
      });
    },
  };
}

function toThread(item: Item, now: number): Thread {
  try {
    return {
      id: String(item.id),
      owner: String(item.owner),
      createdAt: Number(item.createdAt),
      updatedAt: Number(item.updatedAt),
      metadata: JSON.parse(String(item.metadata)) as Record<string, unknown>,
      status: statusAt(item.status as ThreadStatus, item.leaseExpiresAt as number | undefined, now),
    };
  } catch (cause) {
    throw new TenureError({ tag: "store-corrupt", store: "dynamodb", what: `the record of a thread` }, { cause });
  }
}
