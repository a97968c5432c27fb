/**
 * Who is asking. A token comes as `Authorization: Bearer`, as `x-api-key` (where a signing proxy needs
 * Authorization for itself), or in the session cookie, in this order; the first that is there counts, and one
 * that is not good is not made up for by the next.
 */
import { TenureError } from "@tenure/core/errors";
import type { Session } from "@tenure/core/session";
import { parseToken, type SessionRef } from "@tenure/core/token";
import type { Context, MiddlewareHandler } from "hono";
import { setCookie } from "hono/cookie";
import type { CookiePolicy, Deps } from "../deps.ts";

export interface SessionEnv {
  Variables: { session: Session; sessionRef: SessionRef };
}

type Credential = { token: string; from: "header" | "cookie" };

/** Lets a request through that has a live session, touched; any other is refused with `session-required`. */
export function requireSession({ sessions, cookie }: Deps): MiddlewareHandler<SessionEnv> {
  return async (c, next) => {
    const ref = sessionRefOf(c, cookie);
    const session = ref && (await sessions.readAndTouch(ref));
    if (!ref || !session) throw new TenureError({ tag: "session-required" });
    c.set("sessionRef", ref);
    c.set("session", session);
    await next();
  };
}

/** The session that the request claims; undefined when there is no token or it is misshapen. */
export function sessionRefOf(c: Context, cookie: CookiePolicy): SessionRef | undefined {
  const credential = credentialOf(c, cookie);
  return credential && parseToken(credential.token);
}

export function credentialOf(c: Context, cookie: CookiePolicy): Credential | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  const header = bearer ?? c.req.header("x-api-key");
  if (header !== undefined) return { token: header, from: "header" };
  const tokens = cookiesNamed(c.req.header("Cookie") ?? "", cookie.name);
  // Two cookies of this name cannot both be ours, and which one is cannot be told.
  return tokens.length === 1 ? { token: tokens[0] as string, from: "cookie" } : undefined;
}

function cookiesNamed(header: string, name: string): string[] {
  const pairs = header.split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** `maxAgeMs` from now; 0 makes the browser forget the cookie. */
export function setSessionCookie(c: Context, { name, secure }: CookiePolicy, token: string, maxAgeMs: number): void {
  setCookie(c, name, token, {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    secure,
    maxAge: Math.max(0, Math.floor(maxAgeMs / 1000)),
  });
}
