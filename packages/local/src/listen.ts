/** HTTP servers on loopback, and their end. */
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { TenureError } from "@tenure/core/errors";
import type { Hono } from "hono";

const IDLE_CONNECTION_MS = 65_000;
const CLOSE_DEADLINE_MS = 1_000;

/** Serves an app; with port 0 at a free one. Throws `misconfigured` for a port that cannot be had. */
export async function listen(app: Hono, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => resolve(server)) as Server;
    // Clients and proxies give up idle connections first: one that is given up at both ends at once fails a request.
    server.keepAliveTimeout = IDLE_CONNECTION_MS;
    server.once("error", (error: NodeJS.ErrnoException) => reject(portRefused(port, error)));
  });
}

export function portRefused(port: number, { code }: NodeJS.ErrnoException): TenureError {
  const taken = `port ${port} is taken: stop what uses it, or set PORT to another one`;
  const refused = `port ${port} cannot be used (${code}): set PORT to another one`;
  return new TenureError({ tag: "misconfigured", problems: [code === "EADDRINUSE" ? taken : refused] });
}

/** Resolves when no connection is left: requests have a second for their end. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_DEADLINE_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
