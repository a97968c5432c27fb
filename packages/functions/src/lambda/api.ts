/** The function that serves threads, runs, assistants and the store. It runs the graphs whose clients watch. */
import { Hono } from "hono";
import { createApi } from "../api.ts";
import { throughEdge } from "./edge.ts";
import { streamingHandler } from "./http.ts";
import { createService } from "./service.ts";

const { config, deps, runner, finished } = await createService("api");
const app = new Hono().use(throughEdge(config.edgeSecret)).route("/", createApi(deps, runner));

export const handler = streamingHandler(app, {
  begin: () => runner.resume(),
  finished,
  hurry: () => runner.yieldAll(),
});
