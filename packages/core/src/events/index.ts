/**
 * The events of runs, to be read again by a client that joins a run or comes back to it.
 *
 * @example
 * import { createEventLog } from "@tenure/core/events";
 * import { connectRedis } from "@tenure/core/redis";
 *
 * const events = createEventLog(connectRedis({ url: "https://….upstash.io", token: "…" }));
 * const page = await events.read("run-1", -1, 100);
 */
export { createEventLog, EVENTS_TTL_MS } from "./redis.ts";
export {
  attemptOf,
  type CancelAction,
  type EventBatch,
  type EventLog,
  type EventPage,
  firstEventOf,
  type LoggedEvent,
  type NewEvent,
  type Start,
  type Tail,
} from "./store.ts";
