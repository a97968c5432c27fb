/**
 * Redis as the strict features see it: one verb, and answers that are well-formed or a fault. No client is imported here, so that
 * a feature works over Upstash's REST API (index.ts) and over a connection of one's own (node-redis.ts, ioredis.ts) alike.
 */
import { TenureError } from "../errors.ts";
import type { Reply, Script } from "./script.ts";

export { defineScript, type Reply, type Script } from "./script.ts";

/** Redis as all of core sees it: one verb. */
export interface RedisStore {
  /**
   * Runs a script: one round trip, or two when the server does not know the script yet. The deadline is for both. Resolves to what
   * the script answered to this call: an answer to another one is malformed.
   */
  evaluate(script: Script, keys: string[], args: (string | number)[]): Promise<Reply>;
}

/** A reply that is not what the script returns: something between us and Redis answers in its place. */
export function malformedReply(): TenureError {
  return new TenureError({ tag: "store-unavailable", store: "redis", outcome: "unknown", why: "malformed" });
}
