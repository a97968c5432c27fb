/** The events of runs, to be read again by whoever joins a run or comes back to it. */
export { createEventLog, EVENTS_TTL_MS } from "./redis.ts";
export {
  attemptOf,
  type CancelAction,
  type EventBatch,
  type EventLog,
  type EventPage,
  firstEventOf,
  type LoggedEvent,
} from "./store.ts";
