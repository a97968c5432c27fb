/**
 * The demo's expiry race: one deadline on a key in Redis and on an item in DynamoDB, so that a reader can watch which of the two
 * stores still answers after it. The product does not need it; see docs/ttl.md.
 */
export { createRaceItem, type RaceItem } from "./item.ts";
export { createRaceKey, type RaceKey } from "./key.ts";
