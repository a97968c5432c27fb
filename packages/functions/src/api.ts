/** The whole HTTP surface, mounted at /api: the same app in Lambda and in the local stack. */
import { TenureError } from "@tenure/core/errors";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { Deps } from "./deps.ts";
import { sameOrigin } from "./middleware/same-origin.ts";
import { problemResponse } from "./problem.ts";
import { accountRoutes } from "./routes/account.ts";
import { activityRoutes } from "./routes/activity.ts";
import { assistantRoutes } from "./routes/assistants.ts";
import { authRoutes } from "./routes/auth.ts";
import { metaRoutes, missingRoutes } from "./routes/meta.ts";
import { openapiRoutes } from "./routes/openapi.ts";
import { problemRoutes } from "./routes/problems.ts";
import { runRoutes, threadRunRoutes } from "./routes/runs.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { stateRoutes } from "./routes/states.ts";
import { storeRoutes } from "./routes/store.ts";
import { threadRoutes } from "./routes/threads.ts";
import type { Runner } from "./runs/runner.ts";
import { apiHeaders } from "./security-headers.ts";

/** What a Lambda function may be sent. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;
const MAX_AUTH_BODY_BYTES = 16 * 1024;

export function createApi(deps: Deps, runner: Runner): Hono {
  const app = new Hono().basePath("/api");
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, allow) => problemResponse(c, new TenureError({ tag: "method-not-allowed", allow })),
    }),
  );
  app.use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
  });
  app.use(apiHeaders());
  app.use(upTo(MAX_BODY_BYTES));
  app.use("/auth/*", upTo(MAX_AUTH_BODY_BYTES));
  app.use(sameOrigin(deps));
  app.route("/", metaRoutes());
  app.route("/auth", authRoutes(deps));
  app.route("/auth", sessionRoutes(deps));
  app.route("/activity", activityRoutes(deps));
  app.route("/account", accountRoutes(deps, runner));
  app.route("/", missingRoutes());
  app.route("/threads", threadRoutes(deps, runner));
  app.route("/threads", stateRoutes(deps));
  app.route("/threads", threadRunRoutes(deps, runner));
  app.route("/runs", runRoutes(deps, runner));
  app.route("/assistants", assistantRoutes(deps, runner));
  app.route("/store", storeRoutes(deps));
  app.route("/problems", problemRoutes());
  app.route("/", openapiRoutes(app));
  app.notFound((c) => problemResponse(c, new TenureError({ tag: "route-not-found" })));
  app.onError((error, c) => {
    const response = problemResponse(c, error);
    if (response.status === 500) deps.report(describeFailure(c, error));
    return response;
  });
  return app;
}

function upTo(limitBytes: number): MiddlewareHandler {
  const onError = (c: Context) => problemResponse(c, new TenureError({ tag: "body-too-large", limitBytes }));
  return bodyLimit({ maxSize: limitBytes, onError });
}

/** For the operator, whom the response points to. No query and no header: they may hold what grants access. */
function describeFailure(c: Context, error: Error): string {
  const { method, path } = c.req;
  return JSON.stringify({ level: "error", event: "request-failed", method, path, error: error.stack ?? String(error) });
}
