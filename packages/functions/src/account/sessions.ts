/** Routes on a user's sessions: list them as devices, end one, the others, or all. */

import type { ActivityKind } from "@tenure/core/activity";
import { isOutcomeUnknown, TenureError } from "@tenure/core/errors";
import { type DamagedSession, isDamaged } from "@tenure/core/session";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { ApiSession, Identity } from "../http/identity.ts";
import { limits, takeOrRefuse } from "../http/limits.ts";
import { clearSessionCookie, type SessionEnv, session } from "../http/session/session.ts";
import { recentLogin } from "../http/session/step-up.ts";
import { about } from "./begin-session.ts";
import type { AccountDeps } from "./deps.ts";
import { originOf } from "./device.ts";

const SESSION_ID = /^[A-Za-z0-9_-]{43}$/;

export function sessionRoutes(deps: AccountDeps): Hono<SessionEnv<Identity>> {
  const { sessions, windows, activity, cookie, addressOf } = deps;

  function record(
    c: Context<SessionEnv<Identity>>,
    kind: ActivityKind,
    detail: Record<string, string | number> = {},
  ): void {
    const by = about(deps, c.var.session);
    activity.record({ ...by, kind, origin: originOf(c, addressOf), detail: { ...by.detail, ...detail } });
  }
  /** Awaits `work`, which ends sessions. An unknown outcome is on record too: a second request may find no session left. */
  async function ending<T>(
    c: Context<SessionEnv<Identity>>,
    kind: ActivityKind,
    work: Promise<T>,
    detail: Record<string, string> = {},
  ): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (isOutcomeUnknown(error)) record(c, kind, { ...detail, unconfirmed: 1 });
      throw error;
    }
  }
  const stepUp = recentLogin<Identity>((c) => record(c, "step-up-refused"));

  const live = session(deps);
  const counted: MiddlewareHandler<SessionEnv<Identity>> = async (c, next) => {
    await takeOrRefuse(c, windows, limits.accountPerUser, c.var.session.data.userId);
    await next();
  };

  return new Hono<SessionEnv<Identity>>()
    .get("/sessions", live, counted, stepUp, async (c) => {
      const devices = await sessions.list(c.var.sessionRef.handle);
      return c.json({ sessions: devices.map((one) => describeDevice(one, c.var.session)) });
    })

    .delete("/sessions/:id", live, counted, async (c) => {
      const id = c.req.param("id");
      if (!SESSION_ID.test(id)) throw new TenureError({ tag: "session-not-found" });
      const revoking = sessions.revoke({ handle: c.var.sessionRef.handle, id });
      const ended = await ending(c, "session-revoked", revoking, { target: id });
      if (!ended) throw new TenureError({ tag: "session-not-found" });
      if (id === c.var.session.id) clearSessionCookie(c, cookie);
      record(c, "session-revoked", { target: id });
      return c.body(null, 204);
    })

    .post("/logout-others", live, counted, async (c) => {
      const ended = await ending(c, "others-revoked", sessions.revokeOthers(c.var.sessionRef));
      if (ended === undefined) throw new TenureError({ tag: "session-required" });
      record(c, "others-revoked", { ended });
      return c.json({ ended });
    })

    .post("/logout-all", live, counted, stepUp, async (c) => {
      const ended = await ending(c, "all-revoked", sessions.revokeAll(c.var.sessionRef.handle));
      clearSessionCookie(c, cookie);
      record(c, "all-revoked", { ended });
      return c.json({ ended });
    });
}

export interface DeviceDescription {
  id: string;
  /** True for the session of this request. */
  current: boolean;
  device: string | null;
  network: string | null;
  /** Nothing more is known of it: its record cannot be read. It lets nobody in, and can be ended. */
  damaged: boolean;
  /** Instants in epoch milliseconds; null when it is damaged. */
  createdAt: number | null;
  lastSeenAt: number | null;
  idleExpiresAt: number | null;
  absoluteExpiresAt: number | null;
}

const UNKNOWN = {
  ...{ device: null, network: null, damaged: true },
  ...{ createdAt: null, lastSeenAt: null, idleExpiresAt: null, absoluteExpiresAt: null },
};

function describeDevice(one: ApiSession | DamagedSession, current: ApiSession): DeviceDescription {
  if (isDamaged(one)) return { id: one.id, current: one.id === current.id, ...UNKNOWN };
  const { id, origin, createdAt, lastSeenAt, idleExpiresAt, absoluteExpiresAt } = one;
  const { device = null, network = null } = origin;
  const instants = { createdAt, lastSeenAt, idleExpiresAt, absoluteExpiresAt };
  return { id, current: id === current.id, device, network, damaged: false, ...instants };
}
