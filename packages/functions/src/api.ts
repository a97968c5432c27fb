/** The whole HTTP surface, mounted at /api: the same app in Lambda and in the local stack. */
import { TenureError } from "@tenure/core/errors";
import type { Hono } from "hono";
import { withAccount } from "./account/api.ts";
import { withAgent } from "./agent/api.ts";
import { healthRoutes } from "./agent/health.ts";
import { metaRoutes } from "./agent/meta.ts";
import type { Runner } from "./agent/runs/schedule/runner.ts";
import type { AppRoutes } from "./app.ts";
import type { Deps } from "./deps.ts";
import { baseApp } from "./http/app.ts";
import { openapiRoutes } from "./http/openapi.ts";
import { problemRoutes } from "./http/problem-pages.ts";
import { session } from "./http/session/session.ts";

/** `routes`: an application's own, each behind the session. Throws `misconfigured` for a name that the API has itself. */
export function createApi(deps: Deps, runner: Runner, routes: AppRoutes = {}): Hono {
  return baseApp(deps, (app) => {
    app.route("/", healthRoutes(deps));
    app.route("/", metaRoutes(deps));
    withAccount(app, deps);
    withAgent(app, deps, runner);
    app.route("/problems", problemRoutes());
    app.route("/", openapiRoutes(app));
    const taken = new Set(app.routes.map(({ path }) => path.split("/")[2]));
    for (const [prefix, make] of Object.entries(routes)) {
      if (taken.has(prefix.slice(1)))
        throw new TenureError({
          tag: "misconfigured",
          problems: [`routes: the API has ${prefix} itself; choose another name`],
        });
      app.use(`${prefix}/*`, session(deps));
      app.route(prefix, make(deps));
    }
  });
}
