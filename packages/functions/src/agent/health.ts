/** The health check of the service and, for operators, of its stores. */
import { TenureError } from "@tenure/core/errors";
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Identity } from "../http/identity.ts";
import { operation } from "../http/operation.ts";
import { type SessionEnv, session } from "../http/session/session.ts";
import type { AgentDeps } from "./deps.ts";

const query = z.object({ deep: z.enum(["0", "1"]).optional() });

export function healthRoutes(deps: AgentDeps): Hono<SessionEnv<Identity>> {
  const signedIn = session(deps);
  const spec = {
    tag: "service",
    summary: "Is it up? With `deep=1`, for operators: are its stores?",
    query,
    answers: { 200: '`{"ok":true}`', 503: "A store does not answer" },
    open: true,
  };
  return new Hono<SessionEnv<Identity>>().get("/ok", operation(spec), async (c) => {
    if (c.var.query.deep !== "1") return c.json({ ok: true });
    const refused = await signedIn(c as unknown as Context<SessionEnv<Identity>>, async () => {});
    if (refused) return refused;
    // Answers 404 to anyone who is not an operator.
    if (!deps.operators.includes(c.var.session.data.email)) throw new TenureError({ tag: "route-not-found" });
    const [redis, dynamodb] = await Promise.all([timed(deps.ping.redis), timed(deps.ping.dynamodb)]);
    const ok = redis.ok && dynamodb.ok;
    return c.json({ ok, stores: { redis, dynamodb } }, ok ? 200 : 503);
  });
}

async function timed(ask: () => Promise<unknown>): Promise<{ ok: boolean; ms: number }> {
  const begun = performance.now();
  const ok = await ask().then(
    () => true,
    () => false,
  );
  return { ok, ms: Math.round(performance.now() - begun) };
}
