/** `GET /api/me`: who is logged in. A route of an application is reached with a session alone; the others are answered 401. */
import type { RouteEnv } from "@tenure/functions/app";
import { Hono } from "hono";

export const me = () => new Hono<RouteEnv>().get("/", (c) => c.json({ email: c.var.session.data.email }));
