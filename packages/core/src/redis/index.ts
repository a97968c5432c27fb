/**
 * Redis over Upstash's REST API: the one importer of `@upstash/redis`, and the one place that says what its
 * failures mean. One call is one request with a deadline, never repeated behind the caller's back. Whatever is
 * not a well-formed answer, including none in time, is `store-unavailable`: it is never "there is no such key".
 *
 * The client's own errors repeat the whole command, so they are dropped here and never become a cause.
 *
 * @example
 * import { connectRedis, ping } from "@tenure/core/redis";
 *
 * const redis = connectRedis({ url: "https://….upstash.io", token: "…", deadlineMs: 1000 });
 * await ping(redis);
 */
import { Redis } from "@upstash/redis";
import { withDeadline } from "../deadline.ts";
import { type StoreFault, TenureError } from "../errors.ts";
import { Requester } from "./requester.ts";
import { defineScript, type Reply, type Script, sealed, sourceFor } from "./script.ts";

export { defineScript, type Reply, type Script, sealed } from "./script.ts";

export interface RedisConfig {
  /** The REST endpoint, `https://….upstash.io` or a gateway that speaks the same. */
  url: string;
  /** The REST token, sent as a bearer token. */
  token: string;
  /** The time that one call may take in milliseconds, connecting included. Default 1000. */
  deadlineMs?: number;
  /**
   * True when scripts that declare all their keys say so in a header, which spares Upstash a global lock. A server
   * that is not Upstash and does not translate the header refuses it. Default true.
   */
  keyLocking?: boolean;
  /** Hears of each request that failed. */
  onFault?: (fault: StoreFault) => void;
}

/** Redis as all of core sees it: one verb. */
export interface RedisStore {
  /**
   * Runs a script: one round trip, or two when the server does not know the script yet. The deadline is for both. Resolves to what
   * the script answered to this call: an answer to another one is malformed.
   */
  evaluate(script: Script, keys: string[], args: (string | number)[]): Promise<Reply>;
}

export function connectRedis({ url, token, deadlineMs = 1000, keyLocking = true, onFault }: RedisConfig): RedisStore {
  const requester = new Requester(url, token);
  const client = new Client(requester);
  const asked = async (signal: AbortSignal, operation: "evalsha" | "eval", command: () => Promise<Reply>) => {
    try {
      return await requester.under(signal, command);
    } catch (error) {
      const fault = onFault && faultOf(error);
      if (fault) onFault({ operation, ...fault });
      throw error;
    }
  };

  return {
    async evaluate(script, keys, args) {
      const { source, sha } = sourceFor(script, keyLocking);
      const { args: argv, open } = sealed(args);
      let reply: Reply;
      try {
        reply = await withDeadline(deadlineMs, async (signal) => {
          try {
            return await asked(signal, "evalsha", () => client.evalsha<string[], Reply>(sha, keys, argv));
          } catch (error) {
            if (!isNoScript(error)) throw error;
            return await asked(signal, "eval", () => client.eval<string[], Reply>(source, keys, argv));
          }
        });
      } catch (error) {
        throw asFault(error);
      }
      const answer = open(reply);
      if (answer === undefined) {
        onFault?.({ operation: "evalsha", error: "MalformedReply", isPermanent: false });
        throw malformedReply();
      }
      return answer;
    },
  };
}

/** Upstash's client on a requester of ours; replies are not parsed once more as JSON. */
class Client extends Redis {
  constructor(requester: Requester) {
    super(requester);
    this.opts = { automaticDeserialization: false };
  }
}

/** A reply that is not what the script returns: something between us and Redis answers in its place. */
export function malformedReply(): TenureError {
  return new TenureError({ tag: "store-unavailable", store: "redis", outcome: "unknown", why: "malformed" });
}

/** Turns a failure of the client into a fault. `CORRUPT …` is what our own scripts say of a record they cannot read. */
function asFault(error: unknown): TenureError {
  const message = error instanceof Error ? error.message : "";
  if (message.startsWith("CORRUPT "))
    return new TenureError({ tag: "store-corrupt", store: "redis", what: message.slice(8).split(",")[0] as string });
  const why = PERMANENT.test(message) && { why: "refused" as const };
  return new TenureError({ tag: "store-unavailable", store: "redis", outcome: outcomeOf(error, message), ...why });
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"]);

/** Errors that Redis answers before it does anything. An error from within a script comes after some of its writes, perhaps. */
const REFUSED =
  /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|READONLY|MISCONF|NOREPLICAS|MOVED|TRYAGAIN|NOSCRIPT|WRONGPASS|NOAUTH|NOPERM) (?!.* script: )/;

/**
 * Answers that stay the same until the operator changes something. Upstash says `Unauthorized` of a token that it does not know,
 * and `ERR max … limit exceeded` once its plan is used up.
 */
const PERMANENT = /^(?:(WRONGPASS|NOAUTH|NOPERM|Unauthorized)\b|ERR (max (?:daily )?requests? limit exceeded))/;

/** Scripts that the server does not know yet, and records that ours cannot read, are no faults of the store. */
const NO_FAULT = /^(?:NOSCRIPT|CORRUPT) /;

/** Names a failure by its first word, undefined for an answer: the rest of a message repeats the command. */
function faultOf(error: unknown): Omit<StoreFault, "operation"> | undefined {
  const { name = "Error", message = "", code } = (error ?? {}) as Partial<Error> & { code?: string };
  if (NO_FAULT.test(message)) return undefined;
  const [, word, limit] = PERMANENT.exec(message) ?? [];
  const permanent = word ?? limit;
  if (permanent) return { error: permanent, isPermanent: true };
  const [said] = /^[A-Z]{2,}(?= )/.exec(message) ?? [];
  return { error: said ?? name, ...(code !== undefined && { code }), isPermanent: false };
}

/** Without a connection nothing was sent; a refusal of Redis changed nothing; else nobody knows. */
function outcomeOf(error: unknown, message: string): "not-applied" | "unknown" {
  if (NEVER_SENT.has(String((error as { code?: string } | undefined)?.code))) return "not-applied";
  return REFUSED.test(message) || PERMANENT.test(message) ? "not-applied" : "unknown";
}

const pong = defineScript("return 'PONG'", { declaresKeys: true });

/** Resolves when Redis runs a script, which is all that is asked of it; throws `store-unavailable` otherwise. */
export async function ping(redis: RedisStore): Promise<void> {
  if ((await redis.evaluate(pong, [], [])) !== "PONG") throw malformedReply();
}

/** Asked by a script, as all else is: a plain `INFO` can be answered by a replica. A server that has no `INFO` says nothing. */
const info = defineScript(
  `local said = {}
for _, section in ipairs({ 'memory', 'persistence' }) do
  local text = redis.pcall('INFO', section)
  if type(text) == 'string' then table.insert(said, text) end
end
return { table.concat(said, '\\n') }`,
  { declaresKeys: true },
);

/** Reads a server's words on its memory and persistence, by the names of `INFO`; an empty map where it says nothing. */
export async function serverInfo(redis: RedisStore): Promise<Map<string, string>> {
  const reply = await redis.evaluate(info, [], []);
  const [text] = Array.isArray(reply) ? reply : [];
  if (typeof text !== "string") throw malformedReply();
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const [, name, value] = /^(\w+):(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}
