import type { Item, Key, Table } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import { type Activity, type ActivityKind, DEFAULT_ACTIVITY_TTL_MS } from "./policy.ts";
import type { ActivityLog } from "./store.ts";

const partitionOf = (account: string) => `activity#${account}`;

export function createActivityLog(table: Table, { ttlMs = DEFAULT_ACTIVITY_TTL_MS } = {}): ActivityLog {
  return {
    async append({ account, id, ...entry }) {
      const expiresAt = Math.ceil((entry.at + ttlMs) / 1000);
      await table.put({ pk: partitionOf(account), sk: id, ...entry, detail: JSON.stringify(entry.detail), expiresAt });
    },

    async list(account, { limit, before }) {
      const entries: Activity[] = [];
      // One more than is asked for tells whether there are more.
      const range = { pk: partitionOf(account), descending: true, pageSize: limit + 1, ...(before && { before }) };
      for await (const item of table.query(range)) {
        if (entries.length === limit) return { entries, next: (entries.at(-1) as Activity).id };
        entries.push(toActivity(account, item));
      }
      return { entries };
    },

    async removeAll(account, before) {
      const keys: Key[] = [];
      for await (const { pk, sk, at } of table.query({ pk: partitionOf(account), withExpired: true }))
        if (!(Number(at) >= before)) keys.push({ pk, sk });
      await table.deleteAll(keys);
    },
  };
}

function toActivity(account: string, { sk, at, kind, device, network, detail }: Item): Activity {
  try {
    return {
      id: sk,
      account,
      at: Number(at),
      kind: kind as ActivityKind,
      ...(device !== undefined && { device: String(device) }),
      ...(network !== undefined && { network: String(network) }),
      detail: JSON.parse(String(detail)) as Activity["detail"],
    };
  } catch (cause) {
    throw new TenureError({ tag: "store-corrupt", store: "dynamodb", what: "an activity record" }, { cause });
  }
}
