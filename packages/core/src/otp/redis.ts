import { malformedReply, type RedisStore, type Reply } from "../redis/port.ts";
import type { CodePolicy } from "./policy.ts";
import * as scripts from "./scripts.ts";
import type { CodeStore, Wait } from "./store.ts";

/** The account is the cluster hash tag: all keys of an account are in one slot. */
const keysOf = (generation: string) => (account: string, browser?: string) => ({
  code: (challenge: string) =>
    `code:${generation && `${generation}:`}{${account}}:${challenge.slice(account.length + 1)}`,
  resend: `code-resend:{${account}}${browser ? `:${browser}` : ""}`,
  failures: `code-failures:{${account}}${browser ? `:${browser}` : ""}`,
});

/** `generation` is a word in the keys of codes: those of another generation do not exist. Letters, digits, `-` and `_`. */
export function createCodeStore(redis: RedisStore, policy: CodePolicy, { generation = "" } = {}): CodeStore {
  const keys = keysOf(generation);
  return {
    async issue({ account, challenge, digest, email, browser }) {
      const { code, resend, failures } = keys(account, browser);
      const reply = await redis.evaluate(
        scripts.issue,
        [code(challenge), resend, failures],
        [digest, email, policy.ttlMs, policy.resendMs, policy.failuresPerAccount],
      );
      if (!Array.isArray(reply)) throw malformedReply();
      if (reply[0] === 0) return { issued: false, ...wait(reply[1], reply[2]) };
      if (reply[0] !== 1) throw malformedReply();
      return { issued: true, expiresAt: number(reply[1]), resendAt: number(reply[2]) };
    },

    async consume(account, challenge, digest, browser) {
      const { code, resend, failures } = keys(account, browser);
      const reply = await redis.evaluate(
        scripts.consume,
        [code(challenge), failures, resend],
        [digest, policy.attemptsPerCode, policy.failuresPerAccount, policy.failureWindowMs],
      );
      const [verdict, detail, now] = Array.isArray(reply) ? reply : [];
      switch (verdict) {
        case "accepted":
          if (typeof detail !== "string") throw malformedReply();
          return { accepted: true, email: detail };
        case "wrong":
          return { accepted: false, why: "wrong", attemptsLeft: number(detail) };
        case "gone":
        case "spent":
          return { accepted: false, why: verdict, attemptsLeft: 0 };
        case "locked":
          return { accepted: false, why: "locked", ...wait(detail, now) };
        default:
          throw malformedReply();
      }
    },
  };
}

function wait(retryAt: Reply | undefined, now: Reply | undefined): Wait {
  return { retryAt: number(retryAt), waitMs: number(retryAt) - number(now) };
}

function number(reply: Reply | undefined): number {
  if (typeof reply !== "string" || !/^\d{1,15}$/.test(reply)) throw malformedReply();
  return Number(reply);
}
