/**
 * Rate-limit windows that fail closed, by Redis' own clock. See store.ts.
 *
 * @example
 * import { createWindows } from "@tenure/core/ratelimit";
 * import { connectRedis } from "@tenure/core/redis";
 *
 * const windows = createWindows(connectRedis({ url: "https://….upstash.io", token: "…" }), "a secret of at least thirty-two characters");
 * const taken = await windows.take({ name: "search", tokens: 60, windowMs: 60_000 }, "user_ada");
 */
export { createWindows } from "./redis.ts";
export type { Limit, Taken, Windows } from "./store.ts";
