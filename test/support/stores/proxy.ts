/** A TCP proxy on loopback that can be cut, for what happens when a server goes away and comes back. */

import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

export interface Proxy {
  port: number;
  /** Breaks every connection, and refuses new ones. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Keeps back what comes on connections that are there, until `release`. */
  hold(): void;
  release(): void;
}

export async function startProxy(target: URL): Promise<Proxy> {
  const sockets = new Map<Socket, Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.set(from, to);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async cut() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets.keys()) socket.destroy();
      await closed;
    },
    mend: () => listen(port),
    hold() {
      for (const [from, to] of sockets) from.unpipe(to);
    },
    release() {
      for (const [from, to] of sockets) from.pipe(to);
    },
  };
}
