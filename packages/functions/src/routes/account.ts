/** The end of an account. */
import { Hono } from "hono";
import { deleteAccount } from "../account.ts";
import type { Deps } from "../deps.ts";
import type { Identity } from "../identity.ts";
import { clearSessionCookie, type SessionEnv, session } from "../middleware/session.ts";
import { recentLogin } from "../middleware/step-up.ts";
import { operation } from "../operation.ts";
import type { Runner } from "../runs/runner.ts";

export function accountRoutes(deps: Deps, runner: Runner): Hono<SessionEnv<Identity>> {
  const summary = "Log out everywhere and delete everything of the account; wants a recent login";
  return new Hono<SessionEnv<Identity>>().use(session(deps)).delete(
    "/",
    operation({ tag: "account", summary, answers: { 204: "Gone" } }),
    recentLogin<Identity>(() => {}),
    async (c) => {
      const { userId, email } = c.var.session.data;
      await deleteAccount(deps, runner, { userId, email, handle: c.var.sessionRef.handle });
      clearSessionCookie(c, deps.cookie);
      return c.body(null, 204);
    },
  );
}
