/** The function that serves login, sessions and activity. It knows no graph, so that it starts at once. */
import { systemClock } from "@tenure/core/clock";
import { Hono } from "hono";
import { createAuthApi } from "../auth-api.ts";
import { createAuthDeps } from "../auth-deps.ts";
import { readConfig, readMailConfig } from "./config.ts";
import { throughEdge } from "./edge.ts";
import { streamingHandler } from "./http.ts";
import { sesMailer } from "./mail.ts";
import { counted, createMeter } from "./metrics.ts";

const SETTLE_MS = 5_000;

const config = readConfig();
const meter = createMeter("auth");
const mailer = sesMailer({ region: config.region, clock: systemClock, ...readMailConfig() });
const deps = counted(createAuthDeps({ ...config, mailer, count: meter.count }));
const app = new Hono().use(throughEdge(config.edgeSecret)).route("/", createAuthApi(deps));

export const handler = streamingHandler(app, {
  async settled() {
    await deps.activity.settle(SETTLE_MS);
    meter.publish();
  },
});
