/**
 * Users by e-mail address. Nothing of theirs expires.
 *
 * @example
 * import { systemClock } from "@tenure/core/clock";
 * import { connectDynamo, Table } from "@tenure/core/dynamo";
 * import { createUserStore } from "@tenure/core/user";
 *
 * const table = new Table({ client: connectDynamo({}), tableName: "tenure", clock: systemClock });
 * const user = await createUserStore(table, systemClock).findOrCreate("ada@example.com");
 */
export { createUserStore } from "./dynamo.ts";
export type { ClosedUser, User, UserStore } from "./store.ts";
