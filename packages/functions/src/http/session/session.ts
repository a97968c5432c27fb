/**
 * A session for any Hono app:
 *
 *   app.use("/private/*", session({ sessions }));
 *   app.get("/private/me", (c) => c.json(c.var.session.data));
 */
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { Session, SessionStore } from "@tenure/core/session";
import { newToken, parseToken, type SessionRef } from "@tenure/core/token";
import { crossesOrigin } from "@tenure/http";
import type { Context, MiddlewareHandler } from "hono";
import { problemResponse } from "../problem.ts";
import { type CookiePolicy, credentialOf, hostCookie, setSessionCookie } from "./credential.ts";

export { type CookiePolicy, clearSessionCookie, hostCookie, sessionRefOf, setSessionCookie } from "./credential.ts";

export interface SessionOptions<Data> {
  sessions: SessionStore<Data>;
  /** Default: `hostCookie`. */
  cookie?: CookiePolicy | undefined;
  /** The site's origin as browsers see it, where it is not the Host header of the request. */
  publicOrigin?: string | undefined;
  /** Origins of development servers that hand requests on to this one. */
  allowedOrigins?: readonly string[] | undefined;
}

export interface SessionEnv<Data> {
  Variables: { session: Session<Data>; sessionRef: SessionRef };
}

/**
 * Lets a request through that has a live session, touched. Otherwise the answer is a problem document: 401 without a
 * session, 403 for an unsafe request that a page of another origin makes with the cookie, 503 with Retry-After when
 * Redis does not answer; the cookie stays then, since nobody knows whether the session lives.
 */
export function session<Data>(options: SessionOptions<Data>): MiddlewareHandler<SessionEnv<Data>> {
  const { sessions, cookie = hostCookie, publicOrigin, allowedOrigins = [] } = options;
  return async (c, next) => {
    const credential = credentialOf(c, cookie);
    if (credential?.from === "cookie" && crossesOrigin(c.req.raw, { publicOrigin, allowedOrigins }))
      return problemResponse(c, new TenureError({ tag: "cross-origin" }));
    const ref = credential && parseToken(credential.token);
    let found: Session<Data> | undefined;
    try {
      found = ref && (await sessions.readAndTouch(ref));
    } catch (error) {
      if (isTenureError(error)) return problemResponse(c, error);
      throw error;
    }
    if (!ref || !found) return problemResponse(c, new TenureError({ tag: "session-required" }));
    c.set("sessionRef", ref);
    c.set("session", found);
    await next();
    c.res.headers.set("Cache-Control", "no-store");
    // So that a page need not ask, which would touch it. Epoch milliseconds.
    const { idleExpiresAt, absoluteExpiresAt } = c.var.session;
    c.res.headers.set("X-Session-Expires-At", String(Math.min(idleExpiresAt, absoluteExpiresAt)));
  };
}

/**
 * Moves the request's session to a new token, which the caller hands to a client that is not a browser; a browser has
 * it by its cookie. The old token is dead when this returns. Call it when the session comes to mean more than before.
 */
export async function rotateSession<Data>(
  c: Context<SessionEnv<Data>>,
  { sessions, cookie = hostCookie }: SessionOptions<Data>,
  { authenticated = false } = {},
): Promise<string> {
  const { token, ref } = newToken(c.var.sessionRef.handle);
  const rotated = await sessions.rotate(c.var.sessionRef, ref, { authenticated });
  if (!rotated) throw new TenureError({ tag: "session-required" });
  c.set("sessionRef", ref);
  c.set("session", rotated);
  setSessionCookie(c, cookie, token, rotated);
  return token;
}
