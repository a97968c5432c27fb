/** The function that serves login, sessions and activity. It knows no graph, so that it starts at once. */
import { systemClock } from "@tenure/core/clock";
import { Hono } from "hono";
import { createAccountApi } from "../account/api.ts";
import { createAccountDeps } from "../account/deps.ts";
import { mail, readConfig } from "./config.ts";
import { throughEdge } from "./edge.ts";
import { finish } from "./finish.ts";
import { streamingHandler } from "./http.ts";
import { mailerOf } from "./mail.ts";
import { counted, createMeter } from "./metrics.ts";

const config = readConfig(mail);
const meter = createMeter("auth", config.stage);
const mailer = mailerOf(config.linked.Mail, { region: config.region, clock: systemClock, isDev: config.isDev });
const deps = counted(createAccountDeps({ ...config, mailer, count: meter.count }));
const app = new Hono().use(throughEdge(config.edgeSecret)).route("/", createAccountApi(deps));

export const handler = streamingHandler(app, { finished: () => finish(deps, meter) });
