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
import type { StoreFault } from "../errors.ts";
import { asFault, faultOf, isNoScript } from "./faults.ts";
import { malformedReply, type RedisStore, type Reply } from "./port.ts";
import { Requester } from "./requester.ts";
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
  const requester = new Requester(url, token);
  const client = new Client(requester);
  const asked = async (deadline: number, operation: "evalsha" | "eval", command: () => Promise<Reply>) => {
    try {
      return await requester.by(deadline, command);
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
      const deadline = performance.now() + deadlineMs;
      let reply: Reply;
      try {
        try {
          reply = await asked(deadline, "evalsha", () => client.evalsha<string[], Reply>(sha, keys, argv));
        } catch (error) {
          if (!isNoScript(error)) throw error;
          reply = await asked(deadline, "eval", () => client.eval<string[], Reply>(source, keys, argv));
        }
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
