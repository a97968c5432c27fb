/** The middleware that every request goes through, whichever part of the API it is for. */
import { isTenureError, TenureError } from "@tenure/core/errors";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { cors } from "./cors.ts";
import type { HttpDeps } from "./deps.ts";
import { problemResponse } from "./problem.ts";
import { apiHeaders } from "./security-headers.ts";
import { sameOrigin } from "./session/same-origin.ts";

/** The largest request that a Lambda function takes. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;
const MAX_AUTH_BODY_BYTES = 16 * 1024;

export function baseApp(deps: HttpDeps, routes: (app: Hono) => void): Hono {
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
    if (c.res.status >= 400) deps.count(c.res.status < 500 ? "Refusals" : "Faults");
  });
  app.use(apiHeaders());
  app.use(cors(deps));
  app.use(upTo(MAX_BODY_BYTES));
  app.use("/auth/*", upTo(MAX_AUTH_BODY_BYTES));
  app.use(sameOrigin(deps));
  routes(app);
  app.notFound((c) => problemResponse(c, new TenureError({ tag: "route-not-found" })));
  app.onError((error, c) => {
    const response = problemResponse(c, error);
    // Damage is ours, though the answer is no 5xx: nothing changes when a client sends its request again.
    if (response.status === 500 || isTenureError(error, "record-damaged")) deps.report(describeFailure(c, error));
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
