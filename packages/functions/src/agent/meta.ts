/** The service's description of itself, and the routes of the LangGraph server that it does not have. */
import { TenureError } from "@tenure/core/errors";
import { Hono } from "hono";
import { operation } from "../http/operation.ts";
import type { AgentDeps, LocalStack } from "./deps.ts";

export interface InfoDescription {
  name: string;
  context: string;
  flags: { assistants: boolean; crons: boolean; langsmith: boolean; race: boolean };
  /** The stage's lifetimes of sessions, in milliseconds. */
  sessions: { idleMs: number; absoluteMs: number };
  /** Null in a deployment. */
  local: LocalStack | null;
}

export function metaRoutes({
  race,
  local,
  sessionPolicy: { idleMs, absoluteMs },
}: Pick<AgentDeps, "race" | "local" | "sessionPolicy">): Hono {
  const spec = { tag: "service", summary: "What it speaks", answers: { 200: "Flags" }, open: true };
  return new Hono().get("/info", operation(spec), (c) =>
    c.json({
      name: "tenure",
      context: "js",
      flags: { assistants: true, crons: false, langsmith: false, race: race !== undefined },
      sessions: { idleMs, absoluteMs },
      local: local ?? null,
    } satisfies InfoDescription),
  );
}

/** Parts of the LangGraph server's wire that are left out, by what they are for. */
const MISSING: [methods: string[], path: string, feature: string][] = [
  [["POST", "GET", "DELETE", "PATCH"], "/runs/crons/*", "crons"],
  [["POST", "GET", "DELETE", "PATCH"], "/runs/crons", "crons"],
  [["POST", "GET"], "/threads/:id/runs/crons", "crons"],
  [["POST"], "/threads/:id/commands", "version 2 of the protocol"],
  [["POST", "GET"], "/threads/:id/stream/events", "version 2 of the protocol"],
  [["PATCH"], "/threads/:id/state", "metadata of a state (patchState): put them on the thread"],
  [["GET"], "/threads/:id/stream", "streams of threads: join a run instead"],
];

export function missingRoutes(): Hono {
  const app = new Hono();
  for (const [methods, path, feature] of MISSING)
    app.on(methods, path, () => {
      throw new TenureError({ tag: "not-implemented", feature });
    });
  return app;
}
