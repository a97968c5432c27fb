/** The end of an account. */
import { Hono } from "hono";
import type { Identity } from "../http/identity.ts";
import { operation } from "../http/operation.ts";
import { clearSessionCookie, type SessionEnv } from "../http/session/session.ts";
import { recentLogin } from "../http/session/step-up.ts";
import { deleteAccount } from "./deletion.ts";
import type { AgentDeps } from "./deps.ts";
import type { Runner } from "./runs/schedule/runner.ts";

/** An answer later than a minute is cut off on its way. */
const WITHIN_MS = 20_000;

export function accountRoutes(deps: AgentDeps, runner: Runner): Hono<SessionEnv<Identity>> {
  const summary = "Log out everywhere and delete everything of the account; wants a recent login";
  return new Hono<SessionEnv<Identity>>().delete(
    "/",
    operation({
      tag: "account",
      summary,
      answers: { 204: "Gone", 202: "Out of reach, and its data is being deleted" },
    }),
    recentLogin<Identity>(() => {}),
    async (c) => {
      const { userId, email } = c.var.session.data;
      const deleted = await deleteAccount(deps, runner, { id: userId, email }, { withinMs: WITHIN_MS });
      clearSessionCookie(c, deps.cookie);
      return c.body(null, deleted === "done" ? 204 : 202);
    },
  );
}
