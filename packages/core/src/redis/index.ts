/**
 * Redis over Upstash's REST API: the one importer of `@upstash/redis`, and the one place that says what its
 * failures mean. One call is one request with a deadline, never repeated behind the caller's back. Whatever is
 * not a well-formed answer, including none in time, is `store-unavailable`: it is never "there is no such key".
 *
 * The client's own errors repeat the whole command, so they are dropped here and never become a cause.
 */
import { Redis } from "@upstash/redis";
import { withDeadline } from "../deadline.ts";
import { TenureError } from "../errors.ts";
import { type Script, sourceFor } from "./script.ts";

export { defineScript, type Script } from "./script.ts";

export interface RedisConfig {
  /** The REST endpoint, `https://….upstash.io` or a gateway that speaks the same. */
  url: string;
  /** The REST token, sent as a bearer token. */
  token: string;
  /** How long one call may take in milliseconds, connecting included. Default 1000. */
  deadlineMs?: number;
  /**
   * Whether scripts that declare all their keys say so in a header, which spares Upstash a global lock. A server
   * that is not Upstash and does not translate the header refuses it. Default true.
   */
  keyLocking?: boolean;
  /** Hears of each answer that no repetition changes, by its kind: a wrong token, a missing right, a plan that is used up. */
  onRefusal?: (kind: string) => void;
}

/** A reply of RESP2 as the REST API gives it: strings are text, integers are numbers, nil is null. */
export type Reply = string | number | null | Reply[];

export interface RedisStore {
  /** The client, for `@upstash/ratelimit`. Its errors contain commands: see `asFault`. */
  readonly client: Redis;
  /** Runs a script: one round trip, or two when the server does not know the script yet. The deadline is for both. */
  evaluate(script: Script, keys: string[], args: (string | number)[]): Promise<Reply>;
  /** What `work` resolves to, or `store-unavailable` once the deadline has passed: for more than one call of the client. */
  inTime<T>(work: Promise<T>): Promise<T>;
}

export function connectRedis({ url, token, deadlineMs = 1000, keyLocking = true, onRefusal }: RedisConfig): RedisStore {
  // The client asks for the signal of a request in the turn in which it is called.
  let signal: AbortSignal | undefined;
  const under = <T>(given: AbortSignal, send: () => Promise<T>): Promise<T> => {
    signal = given;
    try {
      return send();
    } finally {
      signal = undefined;
    }
  };
  const client = new Redis({
    url,
    token,
    retry: { retries: 0 },
    signal: () => signal ?? AbortSignal.timeout(deadlineMs),
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
  });
  // All requests go through here, also those of `@upstash/ratelimit`.
  if (onRefusal)
    client.use((request, next) =>
      next(request).catch((error: unknown) => {
        const kind = refusalOf(error);
        if (kind) onRefusal(kind);
        throw error;
      }),
    );

  return {
    client,

    async inTime(work) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(noAnswer()), deadlineMs);
      });
      try {
        return await Promise.race([work, late]);
      } finally {
        clearTimeout(timer);
      }
    },

    async evaluate(script, keys, args) {
      const { source, sha } = sourceFor(script, keyLocking);
      const argv = args.map(String);
      try {
        return await withDeadline(deadlineMs, async (signal) => {
          try {
            return await under(signal, () => client.evalsha<string[], Reply>(sha, keys, argv));
          } catch (error) {
            if (!isNoScript(error)) throw error;
            return await under(signal, () => client.eval<string[], Reply>(source, keys, argv));
          }
        });
      } catch (error) {
        throw asFault(error);
      }
    },
  };
}

/** A reply that is not what the script returns: something between us and Redis answers in its place. */
export function malformedReply(): TenureError {
  return noAnswer();
}

const noAnswer = () => new TenureError({ tag: "store-unavailable", store: "redis", outcome: "unknown" });

/** What a failure of the client means. `CORRUPT …` is what our own scripts say of a record they cannot read. */
export function asFault(error: unknown): TenureError {
  const message = error instanceof Error ? error.message : "";
  if (message.startsWith("CORRUPT "))
    return new TenureError({ tag: "store-corrupt", store: "redis", what: message.slice(8).split(",")[0] as string });
  return new TenureError({ tag: "store-unavailable", store: "redis", outcome: outcomeOf(error, message) });
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);

/** What Redis says before it does anything. An error from within a script comes after some of its writes, perhaps. */
const REFUSED =
  /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|READONLY|MISCONF|NOREPLICAS|MOVED|TRYAGAIN|NOSCRIPT|WRONGPASS|NOAUTH|NOPERM) (?!.* script: )/;

/**
 * Answers that stay the same until the operator changes something. Upstash says `Unauthorized` of a token that it does not know,
 * and `ERR max … limit exceeded` once its plan is used up.
 */
const PERMANENT = /^(?:(WRONGPASS|NOAUTH|NOPERM|Unauthorized)\b|ERR (max (?:daily )?requests? limit exceeded))/;

/** Returns the kind of a refusal that does not pass by itself, one of a few fixed words: the rest of the message repeats the command. */
export function refusalOf(error: unknown): string | undefined {
  const [, word, limit] = PERMANENT.exec(error instanceof Error ? error.message : "") ?? [];
  return word ?? limit;
}

/** Without a connection nothing was sent; a refusal of Redis changed nothing; else nobody knows. */
function outcomeOf(error: unknown, message: string): "not-applied" | "unknown" {
  const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined;
  if (cause?.code !== undefined && NEVER_SENT.has(cause.code)) return "not-applied";
  return REFUSED.test(message) ? "not-applied" : "unknown";
}
