/** The route that lists the activity of the user's account, newest first. */
import type { Activity } from "@tenure/core/activity";
import { TenureError } from "@tenure/core/errors";
import { Hono } from "hono";
import { accountOf, type Identity } from "../http/identity.ts";
import { limits, takeOrRefuse } from "../http/limits.ts";
import { type SessionEnv, session } from "../http/session/session.ts";
import type { AccountDeps } from "./deps.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

export function activityRoutes(deps: AccountDeps): Hono<SessionEnv<Identity>> {
  const { activityLog, windows, pepper } = deps;
  return new Hono<SessionEnv<Identity>>().use(session(deps)).get("/", async (c) => {
    await takeOrRefuse(c, windows, limits.accountPerUser, c.var.session.data.userId);
    const limit = Number(c.req.query("limit") ?? DEFAULT_LIMIT);
    const before = c.req.query("before");
    const issues = [
      ...(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT
        ? []
        : [`limit: is a whole number from 1 to ${MAX_LIMIT}`]),
      ...(before === undefined || /^\d{15}-[\w-]{12}$/.test(before)
        ? []
        : ["before: is not a `next` that this path gave"]),
    ];
    if (issues.length > 0) throw new TenureError({ tag: "invalid-input", issues });
    const page = await activityLog.list(accountOf(pepper, c.var.session.data.email), {
      limit,
      before,
    });
    return c.json({ activity: page.entries.map(describe), next: page.next ?? null });
  });
}

/** An activity as its own account sees it. */
export type ActivityDescription = Omit<Activity, "account">;

function describe({ account: _, ...entry }: Activity): ActivityDescription {
  return entry;
}
