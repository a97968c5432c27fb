/** Every way to an engine whose clock a test moves: through the gateway, and by each client over TCP to a server and to a cluster. */
import type { RedisStore } from "@tenure/core/redis";
import { type MovedEngine, movedCluster, movedEngines, type NamedMovedEngine } from "./moved-clock.ts";
import { behindGateway } from "./redis.ts";
import { type TcpClient, tcpClients } from "./tcp-clients.ts";

export interface Link extends MovedEngine {
  store: RedisStore;
}

interface NamedLink {
  name: string;
  isRest: boolean;
  open(): Promise<Link>;
}

const overRest = ({ name, open }: NamedMovedEngine): NamedLink => ({
  name,
  isRest: true,
  async open() {
    const moved = await open();
    const { store, close } = await behindGateway(moved.engine);
    return { ...moved, store, close: () => close().then(moved.close) };
  },
});

const overTcp =
  (isCluster: boolean) =>
  ({ name, open }: NamedMovedEngine) =>
    tcpClients.map(
      (client: TcpClient): NamedLink => ({
        name: `${name} by ${client.name}`,
        isRest: false,
        async open() {
          const moved = await open();
          const { store, close } = await client.connect(moved.urls, { isCluster });
          return {
            ...moved,
            store,
            async close() {
              close();
              await moved.close();
            },
          };
        },
      }),
    );

export const links: NamedLink[] = [
  ...movedEngines.map(overRest),
  ...movedEngines.filter(({ name }) => name === "redis-server").flatMap(overTcp(false)),
  ...movedCluster.flatMap(overTcp(true)),
];
