/**
 * Redis by a client of `redis` (node-redis 6): a single server, a pool, a sentinel or a cluster. The client is the
 * application's, which connects it, listens for its `error` events and closes it.
 *
 * @example
 * import { fromNodeRedis } from "@tenure/core/redis/node-redis";
 * import { createClient } from "redis";
 *
 * const client = createClient({ url: "redis://127.0.0.1:6379", disableOfflineQueue: true });
 * client.on("error", (error: Error) => console.error(error.message));
 * await client.connect();
 * const redis = fromNodeRedis(client, { deadlineMs: 1000 });
 */
import { TenureError } from "../errors.ts";
import type { RedisStore } from "./port.ts";
import { type Command, storeOver, type TcpOptions } from "./tcp.ts";

interface Call {
  keys: string[];
  arguments: string[];
}

/** The part of a client that is used. */
export interface NodeRedisClient {
  eval(source: string, call: Call): Promise<unknown>;
  evalSha(sha: string, call: Call): Promise<unknown>;
  multi(): { eval(source: string, call: Call): NodeRedisBatch; evalSha(sha: string, call: Call): NodeRedisBatch };
}

interface NodeRedisBatch {
  sendCommand(args: string[]): { execAsPipeline(): Promise<unknown> };
}

const VERBS = { eval: "eval", evalsha: "evalSha" } as const satisfies Record<Command, string>;

/** Throws `misconfigured` for a client whose prefix would not be in the keys that a script makes up itself. */
export function fromNodeRedis(client: NodeRedisClient, options: TcpOptions = {}): RedisStore {
  const { _keyPrefix, options: given } = client as { _keyPrefix?: unknown; options?: { keyPrefix?: unknown } };
  if (_keyPrefix ?? given?.keyPrefix)
    throw new TenureError({ tag: "misconfigured", problems: ["the redis client must have no keyPrefix"] });
  return storeOver(
    {
      run: (command, script, keys, args) => client[VERBS[command]](script, { keys, arguments: args }),
      async runAndWait(command, script, keys, args, wait) {
        const batch = client.multi()[VERBS[command]](script, { keys, arguments: args });
        const [reply, confirmed] = (await batch.sendCommand(["WAIT", ...wait]).execAsPipeline()) as unknown[];
        return [reply, confirmed];
      },
    },
    options,
  );
}
