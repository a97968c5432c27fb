/** Serves the sources as they are now, on the stores of another process: the API at a free port, and mail by a message. */
import type { AddressInfo } from "node:net";
import { systemClock } from "@tenure/core/clock";
import type { Mailer } from "@tenure/functions/mailer";
import { Hono } from "hono";
import { loadApp } from "../app.ts";
import { readConfig } from "../config.ts";
import { closeServer, listen } from "../listen.ts";
import { createService } from "../service.ts";
import { DOCTOR, dated } from "../site.ts";
import type { FromServer, ToServer } from "./messages.ts";

/** Throws what the sources throw as they are loaded. */
export async function serveSources(
  { access, app: path }: Extract<ToServer, { type: "serve" }>,
  say: (message: FromServer, done?: () => void) => void,
): Promise<{ sweep(): Promise<void>; stop(): Promise<void> }> {
  const config = readConfig(process.env);
  const mailer: Mailer = {
    sendCode: (message) => new Promise((resolve) => say({ type: "mail", message }, resolve)),
  };
  const service = await createService(config, access, mailer, await loadApp(path));
  const app = new Hono();
  app.use(dated(systemClock));
  app.all("/api/*", (c) => service.api.fetch(c.req.raw, c.env));
  app.get(DOCTOR, async (c) => c.json(await service.examine()));
  const server = await listen(app, 0);
  service.watch();
  say({ type: "ready", port: (server.address() as AddressInfo).port, lines: service.lines });
  return {
    sweep: service.sweep,
    async stop() {
      await service.stop();
      await closeServer(server);
      await service.close();
    },
  };
}
