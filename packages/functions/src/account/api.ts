/** Login, sessions and activity: all that does not need a graph, so that logging in does not wait for one to load. */
import type { Hono } from "hono";
import { baseApp } from "../http/app.ts";
import { activityRoutes } from "./activity.ts";
import type { AccountDeps } from "./deps.ts";
import { authRoutes } from "./login.ts";
import { AUTH_PATHS } from "./paths.ts";
import { sessionRoutes } from "./sessions.ts";

export function withAccount(app: Hono, deps: AccountDeps): void {
  const [auth, activity] = AUTH_PATHS;
  app.route(auth, authRoutes(deps));
  app.route(auth, sessionRoutes(deps));
  app.route(activity, activityRoutes(deps));
}

export const createAccountApi = (deps: AccountDeps): Hono => baseApp(deps, (app) => withAccount(app, deps));
