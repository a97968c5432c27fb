/** The events of runs, to be read again by whoever joins a run or comes back to it. */
export { createEventLog, EVENTS_TTL_MS } from "./redis.ts";
export type { CancelAction, EventBatch, EventLog, EventPage, LoggedEvent } from "./store.ts";
