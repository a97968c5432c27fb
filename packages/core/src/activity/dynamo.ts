import { Fields, isObject } from "../damage.ts";
import type { Item, Table } from "../dynamo/index.ts";
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
      // An entry more than was asked for tells whether there is a next page.
      const range = { pk: partitionOf(account), descending: true, pageSize: limit + 1, before };
      for await (const item of table.query(range)) {
        if (entries.length === limit) return { entries, next: (entries.at(-1) as Activity).id };
        entries.push(toActivity(account, item));
      }
      return { entries };
    },

    removeAll: (account, before) =>
      table.deleteRange({ pk: partitionOf(account) }, ({ at }) => !(Number(at) >= before)),
  };
}

/** An entry as far as it can be read; what cannot be is left out, and its kind is then "unreadable". */
function toActivity(account: string, item: Item): Activity {
  const fields = new Fields(item);
  const { sk, device, network } = item;
  const kind = fields.text("kind") as ActivityKind;
  const activity: Activity = {
    id: sk,
    account,
    at: fields.instant("at", Number.parseInt(sk, 10)),
    kind,
    ...(device !== undefined && { device: String(device) }),
    ...(network !== undefined && { network: String(network) }),
    detail: fields.json<Activity["detail"]>("detail", isObject, {}),
  };
  return fields.damage(sk, "").damage ? { ...activity, kind: "unreadable" } : activity;
}
