/**
 * Some requests want to know that the user is there now, and not only their cookie: listing the devices, and logging
 * them all out. Logging in again, which asks for a code, is that proof.
 */
import { TenureError } from "@tenure/core/errors";
import type { MiddlewareHandler } from "hono";
import type { SessionEnv } from "./session.ts";

const STEP_UP_MAX_AGE_MS = 15 * 60_000;

/** Behind `session()`. `refused` hears of each refusal. */
export function recentLogin<Data>(
  refused: (c: Parameters<MiddlewareHandler<SessionEnv<Data>>>[0]) => void,
): MiddlewareHandler<SessionEnv<Data>> {
  return async (c, next) => {
    const { readAt, authenticatedAt } = c.var.session;
    if (readAt - authenticatedAt > STEP_UP_MAX_AGE_MS) {
      refused(c);
      throw new TenureError({ tag: "step-up-required", maxAgeMs: STEP_UP_MAX_AGE_MS });
    }
    await next();
  };
}
