/**
 * An application on this API: its graphs, and routes of its own. The local stack and the deployed functions take the same value, so
 * that what runs on a laptop is what is deployed.
 *
 * @example
 * import { defineApp } from "@tenure/functions/app";
 * import { agent } from "./graphs/agent.ts";
 *
 * export default defineApp({ graphs: { agent } });
 */
import { TenureError } from "@tenure/core/errors";
import type { Hono } from "hono";
import type { AssistantDefaults } from "./agent/assistants/description.ts";
import type { Deps } from "./deps.ts";
import type { GraphFactory } from "./graphs/graph.ts";
import type { SourceSchemas } from "./graphs/schemas.ts";
import type { Identity } from "./http/identity.ts";
import type { SessionEnv } from "./http/session/session.ts";

/** The variables of a route of one's own: `c.var.session` is who has logged in. */
export type RouteEnv = SessionEnv<Identity>;

/** Routes by their first folder, like `/notes`, which are served at `/api/notes` to whoever has a session. */
export type AppRoutes = Record<`/${string}`, (deps: Deps) => Hono<RouteEnv>>;

export interface App {
  /** Graphs by the name that clients use as `assistant_id`. */
  graphs: Record<string, GraphFactory>;
  /** Schemas that the graphs do not know at run time. */
  schemas?: SourceSchemas | undefined;
  /** Configuration of the graphs' own assistants, by name. */
  defaults?: AssistantDefaults | undefined;
  routes?: AppRoutes | undefined;
}

/** Returns the application as it is. Throws `misconfigured`, with every problem, when it has no graph, or a name that cannot be one. */
export function defineApp(app: App): App {
  const problems = appProblems(app);
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
  return app;
}

const KNOWN = ["graphs", "schemas", "defaults", "routes"];

/** The problems of a value that is to be an application; none when it can be one. */
export function appProblems(app: unknown): string[] {
  if (typeof app !== "object" || app === null) return ["the application must be what defineApp returns"];
  const { graphs, routes = {} } = app as Partial<App>;
  const named = (of: unknown): [string, unknown][] => (typeof of === "object" && of !== null ? Object.entries(of) : []);
  const isMade = (make: unknown) => typeof make === "function";
  return [
    ...Object.keys(app)
      .filter((name) => !KNOWN.includes(name))
      .map((name) => `${name} is nothing that an application has: it has ${KNOWN.join(", ")}`),
    ...(named(graphs).length === 0 ? ["an application needs at least one graph"] : []),
    ...named(graphs)
      .filter(([name, make]) => !/^[\w-]{1,64}$/.test(name) || !isMade(make))
      .map(
        ([name]) =>
          `graphs: ${name} must be a function from { model, checkpointer } to a graph, named by letters and digits`,
      ),
    ...named(routes)
      .filter(([prefix, make]) => !/^\/[\w-]+$/.test(prefix) || !isMade(make))
      .map(([prefix]) => `routes: ${prefix} must be one folder, like "/notes", with a function to a Hono app`),
  ];
}
