/** Threads, runs, assistants, memory, and the deletion of an account, which has to stop what is under way. */
import type { Hono } from "hono";
import { session } from "../http/session/session.ts";
import { accountRoutes } from "./account.ts";
import { assistantRoutes } from "./assistants/routes.ts";
import type { AgentDeps } from "./deps.ts";
import { storeRoutes } from "./memory.ts";
import { missingRoutes } from "./meta.ts";
import { raceRoutes } from "./race.ts";
import { runRoutes, threadRunRoutes } from "./runs/routes.ts";
import type { Runner } from "./runs/schedule/runner.ts";
import { threadRoutes } from "./threads/routes.ts";
import { stateRoutes } from "./threads/states.ts";
import { storageRoutes } from "./threads/storage.ts";

/** Prefixes of the routes that need a session, which is read once per request, however many groups share a prefix. */
const PREFIXES = ["/account", "/threads", "/runs", "/assistants", "/store", "/race"];

export function withAgent(app: Hono, deps: AgentDeps, runner: Runner): void {
  app.route("/", missingRoutes());
  for (const prefix of PREFIXES) app.use(`${prefix}/*`, session(deps));
  app.route("/account", accountRoutes(deps, runner));
  app.route("/threads", threadRoutes(deps, runner));
  app.route("/threads", stateRoutes(deps));
  app.route("/threads", storageRoutes(deps));
  app.route("/threads", threadRunRoutes(deps, runner));
  app.route("/runs", runRoutes(deps, runner));
  app.route("/assistants", assistantRoutes(deps, runner));
  app.route("/store", storeRoutes(deps));
  if (deps.race) app.route("/race", raceRoutes(deps.race, deps));
}
