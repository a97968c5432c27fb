/**
 * The activity log: what happened to an account's sessions, for its owner to see. Entries expire after 90 days.
 *
 * @example
 * import { createActivityLog } from "@tenure/core/activity";
 * import { systemClock } from "@tenure/core/clock";
 * import { connectDynamo, Table } from "@tenure/core/dynamo";
 *
 * const table = new Table({ client: connectDynamo({}), tableName: "tenure", clock: systemClock });
 * const log = createActivityLog(table);
 * await log.append({ id: "1", account: "a", at: Date.now(), kind: "login", detail: {} });
 * const { entries } = await log.list("a", { limit: 20 });
 */
export { createActivityLog } from "./dynamo.ts";
export { type Activity, type ActivityKind, DEFAULT_ACTIVITY_TTL_MS } from "./policy.ts";
export type { ActivityLog } from "./store.ts";
