/** Login, sessions and activity: all that does not need a graph, so that logging in does not wait for one to load. */
import type { Hono } from "hono";
import type { AuthDeps } from "./auth-deps.ts";
import { AUTH_PATHS } from "./auth-paths.ts";
import { baseApp } from "./base-app.ts";
import { activityRoutes } from "./routes/activity.ts";
import { authRoutes } from "./routes/auth.ts";
import { sessionRoutes } from "./routes/sessions.ts";

export function withAuth(app: Hono, deps: AuthDeps): void {
  const [auth, activity] = AUTH_PATHS;
  app.route(auth, authRoutes(deps));
  app.route(auth, sessionRoutes(deps));
  app.route(activity, activityRoutes(deps));
}

export const createAuthApi = (deps: AuthDeps): Hono => baseApp(deps, (app) => withAuth(app, deps));
