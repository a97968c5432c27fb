/** The whole HTTP surface, mounted at /api: the same app in Lambda and in the local stack. */
import type { Hono } from "hono";
import { withAuth } from "./auth-api.ts";
import { baseApp } from "./base-app.ts";
import type { Deps } from "./deps.ts";
import { accountRoutes } from "./routes/account.ts";
import { assistantRoutes } from "./routes/assistants.ts";
import { healthRoutes } from "./routes/health.ts";
import { metaRoutes, missingRoutes } from "./routes/meta.ts";
import { openapiRoutes } from "./routes/openapi.ts";
import { problemRoutes } from "./routes/problems.ts";
import { raceRoutes } from "./routes/race.ts";
import { runRoutes, threadRunRoutes } from "./routes/runs.ts";
import { stateRoutes } from "./routes/states.ts";
import { storeRoutes } from "./routes/store.ts";
import { threadRoutes } from "./routes/threads.ts";
import type { Runner } from "./runs/runner.ts";

export function createApi(deps: Deps, runner: Runner): Hono {
  return baseApp(deps, (app) => {
    app.route("/", healthRoutes(deps));
    app.route("/", metaRoutes());
    withAuth(app, deps);
    app.route("/account", accountRoutes(deps, runner));
    app.route("/", missingRoutes());
    app.route("/threads", threadRoutes(deps, runner));
    app.route("/threads", stateRoutes(deps));
    app.route("/threads", threadRunRoutes(deps, runner));
    app.route("/runs", runRoutes(deps, runner));
    app.route("/assistants", assistantRoutes(deps, runner));
    app.route("/store", storeRoutes(deps));
    app.route("/race", raceRoutes(deps));
    app.route("/problems", problemRoutes());
    app.route("/", openapiRoutes(app));
  });
}
