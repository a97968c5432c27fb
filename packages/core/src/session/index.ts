/** Sessions that end exactly when they should. See store.ts for what is guaranteed. */
export {
  type DamagedSession,
  defaultSessionPolicy,
  isDamaged,
  type Origin,
  type Session,
  type SessionPolicy,
} from "./policy.ts";
export { createSessionStore, type SessionStoreOptions } from "./redis.ts";
export type { SessionStore } from "./store.ts";
