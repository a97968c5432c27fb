import type { Clock } from "../clock.ts";
import { type Item, type Table, tableDefinition } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import { newId } from "../token.ts";
import type { ClosedUser, User, UserStore } from "./store.ts";

const keyOf = (email: string) => ({ pk: `email#${email}`, sk: "user" });
const closedKey = (id: string) => ({ pk: `closed-user#${id}`, sk: "user" });
const CLOSED = "users#closed";

export function createUserStore(table: Table, clock: Clock): UserStore {
  const find = async (email: string): Promise<User | undefined> => {
    const item = await table.get(keyOf(email));
    return item && toUser(item);
  };
  return {
    async findOrCreate(email) {
      const known = await find(email);
      if (known) return known;
      const user: User = { id: newId("user"), email, createdAt: clock.now() };
      if (await table.putIfAbsent({ ...keyOf(email), ...user })) return user;
      const winner = await find(email);
      if (winner) return winner;
      throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "unknown" });
    },

    find,

    async close({ id, email }) {
      const known = await table.get(closedKey(id));
      const closed: ClosedUser = { id, email, closedAt: Number(known?.closedAt ?? clock.now()) };
      // On record first: what is cut short here is gone on with.
      if (!known) await table.put({ ...closedKey(id), ...closed, ipk: CLOSED, isk: id });
      await table.deleteWhere(keyOf(email), { id });
      return closed;
    },

    async *closed() {
      for await (const { id, email, closedAt } of table.queryIndex(tableDefinition.index.name, CLOSED))
        yield { id: String(id), email: String(email), closedAt: Number(closedAt) };
    },

    erase: (id) => table.deleteAll([closedKey(id)]),
  };
}

function toUser({ id, email, createdAt }: Item): User {
  if (typeof id !== "string" || typeof email !== "string" || typeof createdAt !== "number")
    throw new TenureError({ tag: "store-corrupt", store: "dynamodb", what: "a user record" });
  return { id, email, createdAt };
}
