/**
 * How a request carries its token: as `Authorization: Bearer`, as `x-api-key` (where a signing proxy needs
 * Authorization for itself), or in the session cookie, in this order; the first that is there counts, and one
 * that is not good is not made up for by the next.
 */
import type { Session } from "@tenure/core/session";
import { parseToken, type SessionRef } from "@tenure/core/token";
import type { Context } from "hono";
import { setCookie } from "hono/cookie";

/** The cookie that holds a browser's token. Deployed there is one, with the `__Host-` prefix and Secure. */
export interface CookiePolicy {
  name: string;
  secure: boolean;
}

export const hostCookie: CookiePolicy = { name: "__Host-tenure", secure: true };

type Credential = { token: string; from: "header" | "cookie" };

/** The session that the request claims; undefined when there is no token or it is misshapen. */
export function sessionRefOf(c: Context, cookie: CookiePolicy): SessionRef | undefined {
  const credential = credentialOf(c, cookie);
  return credential && parseToken(credential.token);
}

export function credentialOf(c: Context, cookie: CookiePolicy): Credential | undefined {
  const bearer = /^Bearer(?: +(.*)|$)/i.exec(c.req.header("Authorization") ?? "");
  const header = bearer ? (bearer[1] ?? "") : c.req.header("x-api-key");
  if (header !== undefined) return { token: header, from: "header" };
  const tokens = cookiesNamed(c.req.header("Cookie") ?? "", cookie.name);
  // Two cookies of this name cannot both be ours, and which one is cannot be told.
  return tokens.length === 1 ? { token: tokens[0] as string, from: "cookie" } : undefined;
}

/**
 * Only spaces and tabs are around a cookie's name (RFC 6265, section 5.2). A no-break space is a part of it: what `trim` makes of
 * that is a name with a prefix which any sibling host may set.
 */
export function cookiesNamed(header: string, name: string): string[] {
  const pairs = header.split(";").map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ""));
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** The browser forgets the cookie when the session can no longer live. */
export function setSessionCookie<Data>(c: Context, policy: CookiePolicy, token: string, session: Session<Data>): void {
  writeCookie(c, policy, token, session.absoluteExpiresAt - session.readAt);
}

export function clearSessionCookie(c: Context, policy: CookiePolicy): void {
  writeCookie(c, policy, "", 0);
}

function writeCookie(c: Context, { name, secure }: CookiePolicy, value: string, maxAgeMs: number): void {
  const maxAge = Math.max(0, Math.floor(maxAgeMs / 1000));
  setCookie(c, name, value, { path: "/", httpOnly: true, sameSite: "Lax", secure, maxAge });
}
