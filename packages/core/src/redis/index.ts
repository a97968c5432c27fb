/**
 * Redis over Upstash's REST API: the one importer of `@upstash/redis`. One call is one request with a deadline, never repeated
 * behind the caller's back. Whatever is not a well-formed answer, including none in time, is `store-unavailable`: it is never
 * "there is no such key". Redis over TCP, with a client of one's own: node-redis.ts and ioredis.ts.
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
import type { StoreFault } from "../errors.ts";
import { asFault, faultOf, isNoScript } from "./faults.ts";
import { malformedReply, type RedisStore, type Reply } from "./port.ts";
import { sealed, sourceFor } from "./script.ts";

export { defineScript, malformedReply, type RedisStore, type Reply, type Script } from "./port.ts";
export { sealed } from "./script.ts";
export { ping, serverInfo } from "./server.ts";

export interface RedisConfig {
  /** The REST endpoint, `https://….upstash.io` or a gateway that speaks the same. */
  url: string;
  /** The REST token, sent as a bearer token. */
  token: string;
  /** The time that one call may take in milliseconds, connecting included. Default 1000. */
  deadlineMs?: number | undefined;
  /**
   * True when scripts that declare all their keys say so in a header, which spares Upstash a global lock. A server
   * that is not Upstash and does not translate the header refuses it. Default true.
   */
  keyLocking?: boolean | undefined;
  /** Hears of each request that failed. */
  onFault?: (fault: StoreFault) => void;
}

export function connectRedis({ url, token, deadlineMs = 1000, keyLocking = true, onFault }: RedisConfig): RedisStore {
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
  if (onFault)
    client.use((request, next) =>
      next(request).catch((error: unknown) => {
        const [operation] = Array.isArray(request.body) ? request.body : [];
        const fault = faultOf(error);
        if (fault) onFault({ operation: String(operation ?? "request"), ...fault });
        throw error;
      }),
    );

  return {
    async evaluate(script, keys, args) {
      const { source, sha } = sourceFor(script, keyLocking);
      const { args: argv, open } = sealed(args);
      let reply: Reply;
      try {
        reply = await withDeadline(deadlineMs, async (signal) => {
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
      const answer = open(reply);
      if (answer === undefined) {
        onFault?.({ operation: "evalsha", error: "MalformedReply", isPermanent: false });
        throw malformedReply();
      }
      return answer;
    },
  };
}
