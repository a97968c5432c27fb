/** The race's key in Redis: it is gone at its deadline because Redis checks that at each read. It holds no data. */
import { defineScript, malformedReply, type RedisStore } from "../redis/port.ts";

/** Every method is one command, and throws `store-unavailable` when Redis does not answer in time. */
export interface RaceKey {
  /**
   * Makes a record that is gone at its deadline: `lastsMs` from now, and then at the next whole second, which is what
   * DynamoDB's TTL knows. Both in epoch milliseconds of Redis' clock. Unknown outcome: make another.
   */
  put(id: string, lastsMs: number): Promise<{ deadline: number; now: number }>;
  /** A plain `GET` of it: whether it is there, and Redis' time at that in epoch milliseconds. */
  isThere(id: string): Promise<{ there: boolean; now: number }>;
}

const keyOf = (id: string) => `race:{${id}}`;

/** KEYS: 1 the record. ARGV: 1 how long it lasts, in milliseconds */
const put = defineScript(
  `local deadline = math.ceil((now + ARGV[1]) / 1000) * 1000
redis.call('SET', KEYS[1], '1', 'PXAT', string.format('%.0f', deadline))
return {deadline, now}`,
  { declaresKeys: true },
);

/** KEYS: 1 the record. Not EXISTS, so that what is shown is what a reader of a value would see. */
const get = defineScript("return {redis.call('GET', KEYS[1]) and 1 or 0, now}", { declaresKeys: true });

export function createRaceKey(redis: RedisStore): RaceKey {
  return {
    async put(id, lastsMs) {
      const [deadline, now] = numbers(await redis.evaluate(put, [keyOf(id)], [lastsMs]));
      return { deadline, now };
    },
    async isThere(id) {
      const [there, now] = numbers(await redis.evaluate(get, [keyOf(id)], []));
      return { there: there === 1, now };
    },
  };
}

function numbers(reply: unknown): [number, number] {
  const [first, second, ...others] = Array.isArray(reply) ? (reply as unknown[]) : [];
  if (typeof first !== "number" || typeof second !== "number" || others.length > 0) throw malformedReply();
  return [first, second];
}
