/** The activity log: what happened to an account's sessions, for its owner to see. */
export { createActivityLog } from "./dynamo.ts";
export { type Activity, type ActivityKind, DEFAULT_ACTIVITY_TTL_MS } from "./policy.ts";
export type { ActivityLog } from "./store.ts";
