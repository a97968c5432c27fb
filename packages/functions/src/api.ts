/** The whole HTTP surface, mounted at /api: the same app in Lambda and in the local stack. */
import type { Hono } from "hono";
import { withAccount } from "./account/api.ts";
import { withAgent } from "./agent/api.ts";
import { healthRoutes } from "./agent/health.ts";
import { metaRoutes } from "./agent/meta.ts";
import type { Runner } from "./agent/runs/schedule/runner.ts";
import type { Deps } from "./deps.ts";
import { baseApp } from "./http/app.ts";
import { openapiRoutes } from "./http/openapi.ts";
import { problemRoutes } from "./http/problem-pages.ts";

export function createApi(deps: Deps, runner: Runner): Hono {
  return baseApp(deps, (app) => {
    app.route("/", healthRoutes(deps));
    app.route("/", metaRoutes(deps));
    withAccount(app, deps);
    withAgent(app, deps, runner);
    app.route("/problems", problemRoutes());
    app.route("/", openapiRoutes(app));
  });
}
