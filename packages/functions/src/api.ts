/** The whole HTTP surface, mounted at /api: the same app in Lambda and in the local stack. */
import { TenureError } from "@tenure/core/errors";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { Deps } from "./deps.ts";
import { sameOrigin } from "./middleware/same-origin.ts";
import { problemResponse } from "./problem.ts";
import { activityRoutes } from "./routes/activity.ts";
import { authRoutes } from "./routes/auth.ts";
import { problemRoutes } from "./routes/problems.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { threadRoutes } from "./routes/threads.ts";
import type { RunRegistry } from "./runs/registry.ts";
import { apiHeaders } from "./security-headers.ts";

const MAX_BODY_BYTES = 1024 * 1024;

export function createApi(deps: Deps, runs: RunRegistry): Hono {
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
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => problemResponse(c, new TenureError({ tag: "body-too-large", limitBytes: MAX_BODY_BYTES })),
    }),
  );
  app.use(sameOrigin(deps));
  app.get("/ok", (c) => c.json({ ok: true }));
  app.route("/auth", authRoutes(deps));
  app.route("/auth", sessionRoutes(deps));
  app.route("/activity", activityRoutes(deps));
  app.route("/threads", threadRoutes(deps, runs));
  app.route("/problems", problemRoutes());
  app.notFound((c) => problemResponse(c, new TenureError({ tag: "route-not-found" })));
  app.onError((error, c) => {
    const response = problemResponse(c, error);
    if (response.status === 500) deps.report(describeFailure(c, error));
    return response;
  });
  return app;
}

/** For the operator, whom the response points to. No query and no header: they may hold what grants access. */
function describeFailure(c: Context, error: Error): string {
  const { method, path } = c.req;
  return JSON.stringify({ level: "error", event: "request-failed", method, path, error: error.stack ?? String(error) });
}
