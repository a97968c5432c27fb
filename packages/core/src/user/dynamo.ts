import type { Clock } from "../clock.ts";
import type { Item, Table } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import { newId } from "../token.ts";
import type { User, UserStore } from "./store.ts";

const keyOf = (email: string) => ({ pk: `email#${email}`, sk: "user" });

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

    remove: (email) => table.deleteAll([keyOf(email)]),
  };
}

function toUser({ id, email, createdAt }: Item): User {
  if (typeof id !== "string" || typeof email !== "string" || typeof createdAt !== "number")
    throw new TenureError({ tag: "store-corrupt", store: "dynamodb", what: "a user record" });
  return { id, email, createdAt };
}
