import { LRUCache } from "lru-cache";

/**
 * A cache of at most so many entries, the least recently used leaving first. It grows as it fills: with `max`, lru-cache makes room
 * for all of them at once, which takes 1 ms for 10,000 entries wherever a saver is made.
 */
export const lruOf = <V extends object | string>(entries: number): LRUCache<string, V> =>
  new LRUCache({ maxSize: entries, sizeCalculation: () => 1 });
