/**
 * Sessions that end exactly when they should. See store.ts for what is guaranteed.
 *
 * @example
 * import { connectRedis } from "@tenure/core/redis";
 * import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
 * import { keyedHandle, newToken } from "@tenure/core/token";
 *
 * const sessions = createSessionStore({
 *   redis: connectRedis({ url: "https://….upstash.io", token: "…" }),
 *   policy: defaultSessionPolicy,
 *   data: { parse: (value) => value as { userId: string } },
 * });
 * const { token, ref } = newToken(keyedHandle("a secret of at least thirty-two characters", "user", "user_ada"));
 * await sessions.create(ref, { data: { userId: "user_ada" } });
 * const session = await sessions.readAndTouch(ref);
 * await sessions.revoke(ref);
 */
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
