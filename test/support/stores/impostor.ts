/** An HTTP server where a Redis gateway should be, which answers as a test wants it to. */
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
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

/** Requests that nobody answers until a test does, each in its turn. */
export class Requests {
  private readonly arrived: ServerResponse[] = [];
  private readonly awaited: ((response: ServerResponse) => void)[] = [];

  /** Listens in place of a server. */
  readonly take: RequestListener = (request, response) => {
    request.resume();
    const next = this.awaited.shift();
    if (next) next(response);
    else this.arrived.push(response);
  };

  /** Resolves to the answer that the next request waits for, once it has arrived. */
  next(): Promise<ServerResponse> {
    const response = this.arrived.shift();
    if (response) return Promise.resolve(response);
    return new Promise((resolve) => this.awaited.push(resolve));
  }
}
