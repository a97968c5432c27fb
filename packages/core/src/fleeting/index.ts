/**
 * A record that is gone at its deadline because Redis says so: one half of the race that shows what expiry means. It holds
 * nothing but its own existence.
 */
import { defineScript, malformedReply, type RedisStore } from "../redis/index.ts";

export interface FleetingStore {
  /** Redis' time, for a deadline to be counted from. Epoch milliseconds. */
  now(): Promise<number>;
  /** Makes the record, to be gone at `deadline`, epoch milliseconds. Idempotent. */
  put(id: string, deadline: number): Promise<void>;
  /** A plain `GET` of it: whether it is there, and Redis' time at that. */
  isThere(id: string): Promise<{ there: boolean; at: number }>;
}

const keyOf = (id: string) => `race:{${id}}`;

const TIME = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n";
const now = defineScript(`${TIME}return now`, { declaresKeys: true });
/** KEYS: 1 the record. ARGV: 1 its deadline */
const put = defineScript("redis.call('SET', KEYS[1], '1', 'PXAT', ARGV[1]) return 1", { declaresKeys: true });
/** KEYS: 1 the record. Not EXISTS, so that what is shown is what a reader of a value would see. */
const get = defineScript(`${TIME}if redis.call('GET', KEYS[1]) then return {1, now} end return {0, now}`, {
  declaresKeys: true,
});

export function createFleetingStore(redis: RedisStore): FleetingStore {
  return {
    async now() {
      const reply = await redis.evaluate(now, [], []);
      if (typeof reply !== "number") throw malformedReply();
      return reply;
    },
    async put(id, deadline) {
      if ((await redis.evaluate(put, [keyOf(id)], [deadline])) !== 1) throw malformedReply();
    },
    async isThere(id) {
      const reply = await redis.evaluate(get, [keyOf(id)], []);
      const [there, at] = Array.isArray(reply) ? reply : [];
      if ((there !== 0 && there !== 1) || typeof at !== "number") throw malformedReply();
      return { there: there === 1, at };
    },
  };
}
