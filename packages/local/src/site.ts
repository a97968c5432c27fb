/** The local stack's own pages beside the API: the mailbox and the built site, under one origin. */
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Clock } from "@tenure/core/clock";
import { TenureError } from "@tenure/core/errors";
import type { Finding } from "@tenure/functions/doctor";
import { problemResponse } from "@tenure/functions/problem";
import { siteHeaders } from "@tenure/functions/security-headers";
import type { Hono, MiddlewareHandler } from "hono";
import type { Mailbox } from "./mailbox.ts";

export const MAILBOX = "/dev/mail";
export const DOCTOR = "/dev/doctor.json";
/** The site as it was built: beside this package in the repository, and beside the installed one as @tenure/web. */
const SITE = fileURLToPath(new URL("../../web/dist/site", import.meta.url));

/** The local stack's pages; `health` is there where the service is in this process, and `site` is false where another server has it. */
export interface Pages {
  mailbox: Mailbox;
  health?: (() => Promise<Finding[]>) | undefined;
  site?: boolean | undefined;
}

/**
 * Adds the mailbox and the site, which come last. A path without a file, outside /api, gives a person the site, which says so, and a
 * program a problem document; infra/edge.ts does the same.
 */
export function withPages(app: Hono, { mailbox, health, site = true }: Pages): Hono {
  app.use(siteHeaders());
  app.use("/dev/*", loopbackHostOnly);
  app.route("/dev", mailbox.routes());
  if (health) app.get(DOCTOR, async (c) => c.json(await health()));
  if (site) app.get("*", serveStatic({ root: SITE }), siteForPeople);
  app.notFound((c) => problemResponse(c, new TenureError({ tag: "route-not-found" })));
  return app;
}

/** Node.js would put the system's time into `Date`; the page takes it for the server's until an answer says it better. */
export const dated =
  (clock: Clock): MiddlewareHandler =>
  async (c, next) => {
    await next();
    c.res.headers.set("Date", new Date(clock.now()).toUTCString());
  };

const index = serveStatic({ root: SITE, path: "index.html" });
const siteForPeople: MiddlewareHandler = (c, next) => {
  const isPerson = c.req.header("Accept")?.includes("text/html") && !/^\/api(\/|$)/.test(c.req.path);
  return isPerson ? index(c, next) : next();
};

/** A page elsewhere cannot read the mailbox by pointing a name of its own at this machine. */
const loopbackHostOnly: MiddlewareHandler = async (c, next) => {
  const host = new URL(c.req.url).hostname;
  if (!["localhost", "127.0.0.1", "[::1]"].includes(host)) return c.text("Open this page on localhost.", 403);
  return next();
};
