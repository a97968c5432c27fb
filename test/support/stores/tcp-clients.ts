/** The clients that an application may bring along, connected to a redis-server or to a cluster as the documents say. */
import type { RedisStore } from "@tenure/core/redis";
import { fromIoredis } from "@tenure/core/redis/ioredis";
import { fromNodeRedis } from "@tenure/core/redis/node-redis";
import * as ioredis from "ioredis";
import * as iovalkey from "iovalkey";
import { createClient, createCluster } from "redis";

/** Far longer than an engine of this machine takes, however busy that is. */
const DEADLINE_MS = 120_000;

type Options = NonNullable<Parameters<typeof fromNodeRedis>[1]>;

export interface ConnectedClient {
  store: RedisStore;
  close(): void;
}

export interface TcpClient {
  name: string;
  /** `urls` are of one server, or of the nodes of a cluster. */
  connect(urls: string[], options?: Options & { isCluster?: boolean }): Promise<ConnectedClient>;
}

/** A lost connection is told by the calls that it fails. */
const quiet = () => {};

async function connectNodeRedis(urls: string[], isCluster: boolean, options: Options): Promise<ConnectedClient> {
  const defaults = { disableOfflineQueue: true, socket: { reconnectStrategy: 20 } };
  if (isCluster) {
    const client = createCluster({ rootNodes: urls.map((url) => ({ url })), defaults });
    client.on("error", quiet);
    await client.connect();
    return { store: fromNodeRedis(client, options), close: () => client.destroy() };
  }
  const client = createClient({ url: urls[0] as string, ...defaults });
  client.on("error", quiet);
  await client.connect();
  return { store: fromNodeRedis(client, options), close: () => client.destroy() };
}

/** `ioredis` and `iovalkey`, which was made of it. */
function connectIoredis(urls: string[], isCluster: boolean, options: Options): ConnectedClient {
  const client = isCluster
    ? new ioredis.Cluster(urls, { retryDelayOnFailover: 0, slotsRefreshInterval: 500 })
    : new ioredis.Redis(urls[0] as string, { autoResendUnfulfilledCommands: false });
  client.on("error", quiet);
  return { store: fromIoredis(client, options), close: () => client.disconnect() };
}

function connectIovalkey(urls: string[], isCluster: boolean, options: Options): ConnectedClient {
  const client = isCluster
    ? new iovalkey.Cluster(urls, { retryDelayOnFailover: 0, slotsRefreshInterval: 500 })
    : new iovalkey.Redis(urls[0] as string, { autoResendUnfulfilledCommands: false });
  client.on("error", quiet);
  return { store: fromIoredis(client, options), close: () => client.disconnect() };
}

const named = (
  name: string,
  connect: (urls: string[], isCluster: boolean, options: Options) => ConnectedClient | Promise<ConnectedClient>,
): TcpClient => ({
  name,
  connect: async (urls, { isCluster = false, ...options } = {}) =>
    connect(urls, isCluster, { deadlineMs: DEADLINE_MS, ...options }),
});

export const tcpClients: TcpClient[] = [
  named("redis", connectNodeRedis),
  named("ioredis", connectIoredis),
  named("iovalkey", connectIovalkey),
];

export function tcpClient(name: string): TcpClient {
  const found = tcpClients.find((client) => client.name === name);
  if (!found) throw new Error(`there is no client ${name}`);
  return found;
}
