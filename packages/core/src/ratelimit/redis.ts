import { createHash } from "node:crypto";
import { Ratelimit } from "@upstash/ratelimit";
import { defineScript, malformedReply, type RedisStore, type Script } from "../redis/index.ts";
import { keyedHandle } from "../token.ts";
import type { Limit, Windows } from "./store.ts";

type Client = ConstructorParameters<typeof Ratelimit>[0]["redis"];
/** The methods that the limiter calls on a client, which are more than its types say. */
interface Asked {
  evalsha<A extends unknown[], R>(sha: string, keys: string[], args: A): Promise<R>;
  eval<A extends unknown[], R>(source: string, keys: string[], args: A): Promise<R>;
}

/** `pepper` keys the hashes under which addresses and accounts are counted: without it none can be tried out. */
export function createWindows(redis: RedisStore, pepper: string): Windows {
  const limiters = new Map<Limit, Ratelimit>();
  /** The limiter's scripts as ours, by the names under which it asks for them. */
  const known = new Map<string, Script>();
  // The limiter believes any reply, so it sees well-formed answers only, each to its own call.
  const client: Asked = {
    async evalsha<A extends unknown[], R>(sha: string, keys: string[], args: A) {
      const script = known.get(sha);
      // The limiter sends the script's source then.
      if (!script) throw new Error("NOSCRIPT");
      return twoIntegers(await redis.evaluate(script, keys, args.map(String))) as R;
    },
    async eval<A extends unknown[], R>(source: string, keys: string[], args: A) {
      const script = defineScript(source.replace(FLAGS, ""), { declaresKeys: FLAGS.test(source) });
      known.set(createHash("sha1").update(source).digest("hex"), script);
      return twoIntegers(await redis.evaluate(script, keys, args.map(String))) as R;
    },
  };

  function limiterOf(limit: Limit): Ratelimit {
    const known = limiters.get(limit);
    if (known) return known;
    const limiter = new Ratelimit({
      redis: client as unknown as Client,
      prefix: `window:${limit.name}`,
      limiter: Ratelimit.slidingWindow(limit.tokens, `${limit.windowMs} ms`),
      // The limiter's own timeout answers "allowed"; the client's deadline throws instead.
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
      // Braces make it the cluster hash tag: a window and the one before it are in one slot.
      const taken = await limiterOf(limit).limit(`{${keyedHandle(pepper, "window", subject)}}`);
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

/** First line of scripts that touch no key but those that they are given. */
const FLAGS = /^#!lua flags=allow-key-locking\n/;

function twoIntegers<T>(reply: T): T {
  const sane = Array.isArray(reply) && reply.length === 2 && reply.every(Number.isSafeInteger);
  if (!sane) throw malformedReply();
  return reply;
}
