/**
 * The demo's expiry race: one deadline on a key in Redis and on an item in DynamoDB, so that a reader can watch which of the two
 * stores still answers after it. The product does not need it; see docs/ttl.md.
 *
 * @example
 * import { createRaceKey } from "@tenure/core/race";
 * import { connectRedis } from "@tenure/core/redis";
 *
 * const key = createRaceKey(connectRedis({ url: "https://….upstash.io", token: "…" }));
 * const { deadline } = await key.put("race-1", 10_000);
 * const { there, now } = await key.isThere("race-1");
 */
export { createRaceItem, type RaceItem } from "./item.ts";
export { createRaceKey, type RaceKey } from "./key.ts";
