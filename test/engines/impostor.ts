/** An HTTP server where a Redis gateway should be, which answers as a test wants it to. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll } from "vitest";

export interface Impostor {
  url(): string;
  /** Stops listening and breaks its connections. */
  stop(): Promise<void>;
}

/** To be called where tests are described: it listens while they run. */
export function redisPlayedBy(listener: RequestListener): Impostor {
  let server: Server;
  let url = "";
  beforeAll(async () => {
    server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  afterAll(stop);
  return { url: () => url, stop };
}
