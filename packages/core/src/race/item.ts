/** The race's item in DynamoDB: it stays readable past its deadline, until TTL's cleanup deletes it. It holds no data. */
import type { Key, Table } from "../dynamo/index.ts";

export interface RaceItem {
  /** Makes the record. `deadline` is epoch milliseconds, and a whole second, as DynamoDB's TTL has it. Idempotent. */
  put(id: string, deadline: number): Promise<void>;
  /** True when a reader who takes the item as it comes finds it. */
  isStored(id: string): Promise<boolean>;
  /** True when a reader who checks its expiry finds it. */
  isLive(id: string): Promise<boolean>;
}

const keyOf = (id: string): Key => ({ pk: `race#${id}`, sk: "race" });

export function createRaceItem(table: Table): RaceItem {
  return {
    put: (id, deadline) => table.put({ ...keyOf(id), expiresAt: deadline / 1000 }),
    async isStored(id) {
      for await (const _ of table.query({ pk: keyOf(id).pk, withExpired: true })) return true;
      return false;
    },
    isLive: async (id) => (await table.get(keyOf(id))) !== undefined,
  };
}
