/** Sessions that end exactly when they should. See store.ts for what is guaranteed. */
export { defaultSessionPolicy, type Session, type SessionData, type SessionPolicy } from "./policy.ts";
export { createSessionStore } from "./redis.ts";
export type { SessionStore } from "./store.ts";
