/** Rate-limit windows over `@upstash/ratelimit`, made to fail closed. See store.ts. */
export { createWindows } from "./redis.ts";
export type { Limit, Taken, Windows } from "./store.ts";
