/**
 * The function that serves threads, runs, assistants and the store, and an application's own routes. It runs the graphs whose clients
 * watch.
 *
 * @example
 * import { apiHandler } from "@tenure/functions/lambda/api";
 * import app from "../src/app.ts";
 *
 * export const handler = await apiHandler(app);
 */
import { Hono } from "hono";
import { createApi } from "../api.ts";
import type { App } from "../app.ts";
import { throughEdge } from "./edge.ts";
import { streamingHandler } from "./http.ts";
import { createService } from "./service.ts";

/** `app`: what is served; the graphs of this package when left out. Throws `misconfigured` as the function starts. */
export async function apiHandler(app?: App): Promise<ReturnType<typeof streamingHandler>> {
  const { config, deps, runner, finished } = await createService("api", app);
  const api = new Hono().use(throughEdge(config.edgeSecret)).route("/", createApi(deps, runner, app?.routes));
  return streamingHandler(api, {
    begin: () => runner.resume(),
    finished,
    hurry: () => runner.yieldAll(),
  });
}
