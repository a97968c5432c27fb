import { Ratelimit } from "@upstash/ratelimit";
import { isTenureError } from "../errors.ts";
import { asFault, malformedReply, type RedisStore } from "../redis/index.ts";
import { keyedHandle } from "../token.ts";
import type { Limit, Windows } from "./store.ts";

/** `pepper` keys the hashes under which addresses and accounts are counted: without it none can be tried out. */
export function createWindows(redis: RedisStore, pepper: string): Windows {
  const limiters = new Map<Limit, Ratelimit>();
  // The limiter believes any reply; this is all that it asks of a client, and it sees well-formed answers only.
  const client: Pick<RedisStore["client"], "evalsha" | "eval"> = {
    evalsha: async (...call) => twoIntegers(await redis.client.evalsha(...call)),
    eval: async (...call) => twoIntegers(await redis.client.eval(...call)),
  };

  function limiterOf(limit: Limit): Ratelimit {
    const known = limiters.get(limit);
    if (known) return known;
    const limiter = new Ratelimit({
      redis: client as RedisStore["client"],
      prefix: `window:${limit.name}`,
      limiter: Ratelimit.slidingWindow(limit.tokens, `${limit.windowMs} ms`),
      // Its own timeout answers "allowed"; the client's deadline throws instead.
      timeout: 0,
      ephemeralCache: false,
      analytics: false,
      enableProtection: false,
    });
    limiters.set(limit, limiter);
    return limiter;
  }

  return {
    async take(limit, subject) {
      const taken = await redis
        .inTime(limiterOf(limit).limit(keyedHandle(pepper, "window", subject)))
        .catch((error: unknown) => {
          throw isTenureError(error) ? error : asFault(error);
        });
      const { success, remaining, reset, reason } = taken;
      const sane =
        reason === undefined &&
        taken.limit === limit.tokens &&
        Number.isSafeInteger(remaining) &&
        remaining >= 0 &&
        remaining < limit.tokens;
      if (!sane) throw malformedReply();
      return { allowed: success === true, limit: limit.tokens, remaining, resetAt: reset };
    },
  };
}

function twoIntegers<T>(reply: T): T {
  const sane = Array.isArray(reply) && reply.length === 2 && reply.every(Number.isSafeInteger);
  if (!sane) throw malformedReply();
  return reply;
}
