/** The site under `npm run dev`: Vite with hot reload where the site's sources are, and the built one elsewhere. */
import { existsSync } from "node:fs";
import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import type { Mailbox } from "../mailbox.ts";
import { withPages } from "../site.ts";
import type { Front } from "./front.ts";

/** In the repository alone. */
const SOURCES = fileURLToPath(new URL("../../../web/vite.config.ts", import.meta.url));

/** Serves the mailbox and the site; returns what ends that, and the site's folder, if it is watched. */
export async function servePages(
  front: { pages: Front["pages"]; server: Server },
  mailbox: Mailbox,
): Promise<{ close(): Promise<void>; watched: boolean }> {
  const isWatched = existsSync(SOURCES);
  const pages = getRequestListener(withPages(new Hono(), { mailbox, site: !isWatched }).fetch);
  if (!isWatched) {
    front.pages = pages;
    return { close: async () => {}, watched: false };
  }
  const { createServer } = await import("vite");
  const vite = await createServer({
    configFile: SOURCES,
    logLevel: "warn",
    clearScreen: false,
    server: { middlewareMode: true, ws: { server: front.server }, proxy: {} },
  });
  front.pages = (asked, answer) => {
    if (asked.url?.startsWith("/dev/")) void pages(asked, answer);
    else vite.middlewares(asked, answer, () => void pages(asked, answer));
  };
  return { close: () => vite.close(), watched: true };
}
