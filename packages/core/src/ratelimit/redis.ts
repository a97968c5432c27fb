import { TenureError } from "../errors.ts";
import { malformedReply, type RedisStore, type Reply } from "../redis/port.ts";
import { keyedHandle } from "../token.ts";
import { take } from "./scripts.ts";
import type { Limit, Windows } from "./store.ts";

/** `pepper` keys the hashes under which addresses and accounts are counted: without it none can be tried out. */
export function createWindows(redis: RedisStore, pepper: string): Windows {
  return {
    async take(limit, subject) {
      checkLimit(limit);
      const { name, tokens, windowMs } = limit;
      const key = `window:${name}:{${keyedHandle(pepper, "window", subject)}}`;
      const reply = await redis.evaluate(take, [key], [tokens, windowMs]);
      if (!Array.isArray(reply) || reply.length !== 4) throw malformedReply();
      const [verdict, remaining] = [reply[0], reply[1]].map(number) as [number, number];
      const [resetAt, now] = [reply[2], reply[3]].map(instant) as [number, number];
      // An answer to another limit than this one is nobody's.
      if (verdict > 1 || remaining > tokens - verdict || resetAt - now > 2 * windowMs) throw malformedReply();
      return { allowed: verdict === 1, limit: tokens, remaining, resetAt, waitMs: Math.max(0, resetAt - now) };
    },
  };
}

function checkLimit({ name, tokens, windowMs }: Limit): void {
  const problems = Object.entries({ tokens, windowMs })
    .filter(([, value]) => !Number.isSafeInteger(value) || value < 1)
    .map(([field, value]) => `limit ${name}: ${field} must be a whole number above 0, not ${value}`);
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
}

function number(reply: Reply | undefined): number {
  if (typeof reply !== "number" || !Number.isSafeInteger(reply) || reply < 0) throw malformedReply();
  return reply;
}

function instant(reply: Reply | undefined): number {
  if (typeof reply !== "string" || !/^\d{1,15}$/.test(reply)) throw malformedReply();
  return Number(reply);
}
