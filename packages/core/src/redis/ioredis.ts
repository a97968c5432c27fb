/**
 * Redis by a client of `ioredis` (5 and 6) or `iovalkey`: a single server, one behind sentinels, or a cluster. The client is the
 * application's, which listens for its `error` events and closes it. Its own habit of sending a command again after a lost
 * connection has to be off: a code would be used twice, and said to be gone by the second time.
 *
 * @example
 * import { fromIoredis } from "@tenure/core/redis/ioredis";
 * import { Cluster, Redis } from "ioredis";
 *
 * const client = new Redis("redis://127.0.0.1:6379", { autoResendUnfulfilledCommands: false });
 * client.on("error", (error: Error) => console.error(error.message));
 * const redis = fromIoredis(client, { deadlineMs: 1000 });
 *
 * const cluster = new Cluster(["redis://127.0.0.1:7000"], { retryDelayOnFailover: 0, slotsRefreshInterval: 2000 });
 * const redisOfCluster = fromIoredis(cluster, { deadlineMs: 1000, replicas: 1 });
 */
import { TenureError } from "../errors.ts";
import type { RedisStore } from "./port.ts";
import { storeOver, type TcpOptions } from "./tcp.ts";

/** The part of a client that is used. */
export interface IoredisClient {
  readonly isCluster: boolean;
  eval(source: string, keys: number, ...args: string[]): Promise<unknown>;
  evalsha(sha: string, keys: number, ...args: string[]): Promise<unknown>;
  pipeline(): {
    eval(source: string, keys: number, ...args: string[]): IoredisBatch;
    evalsha(sha: string, keys: number, ...args: string[]): IoredisBatch;
  };
}

interface IoredisBatch {
  wait(replicas: string, timeoutMs: string): { exec(): Promise<[error: Error | null, reply: unknown][] | null> };
}

interface Settings {
  keyPrefix?: string;
  autoResendUnfulfilledCommands?: boolean;
  retryDelayOnFailover?: number;
  slotsRefreshInterval?: number;
  clusterNodeRetryStrategy?: unknown;
  redisOptions?: Settings;
}

/** Throws `misconfigured` for a client that would send a command twice, or put a prefix in front of some keys of a script. */
export function fromIoredis(client: IoredisClient, options: TcpOptions = {}): RedisStore {
  const problems = problemsOf(client);
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
  return storeOver(
    {
      run: (command, script, keys, args) => client[command](script, keys.length, ...keys, ...args),
      async runAndWait(command, script, keys, args, wait) {
        const batch = client.pipeline()[command](script, keys.length, ...keys, ...args);
        const [ran, waited] = (await batch.wait(...wait).exec()) ?? [];
        const error = ran?.[0] ?? waited?.[0];
        if (error) throw error;
        return [ran?.[1], waited?.[1]];
      },
    },
    options,
  );
}

function problemsOf(client: IoredisClient): string[] {
  const { options = {} } = client as { options?: Settings };
  const node = client.isCluster ? (options.redisOptions ?? {}) : options;
  const problems: string[] = [];
  if (options.keyPrefix || node.keyPrefix) problems.push("the redis client must have no keyPrefix");
  if (client.isCluster && options.retryDelayOnFailover !== 0)
    problems.push(
      "the cluster client must have retryDelayOnFailover: 0, since it sends a lost command again otherwise",
    );
  if (client.isCluster && !options.slotsRefreshInterval)
    problems.push("the cluster client must have a slotsRefreshInterval, like 2000, to find a promoted node by itself");
  // The nodes of a cluster are not connected to again, unless the application wants it.
  const reconnects = !client.isCluster || Boolean(options.clusterNodeRetryStrategy);
  if (reconnects && node.autoResendUnfulfilledCommands !== false)
    problems.push(
      "the redis client must have autoResendUnfulfilledCommands: false, since it sends a lost command again otherwise",
    );
  return problems;
}
