/**
 * The token of a request: `Authorization: Bearer`, `x-api-key` (where a signing proxy needs Authorization for itself), or the
 * session cookie, in this order. The first that is there counts, and one that is not good is not made up for by the next.
 */
import type { Session } from "@tenure/core/session";
import { parseToken, type SessionRef } from "@tenure/core/token";
import type { Asking } from "./gate.ts";

/** The cookie that holds a browser's token. `plain` cookies are for http on a laptop alone. */
export interface CookiePolicy {
  name: string;
  secure: boolean;
}

/** No sibling host can set a cookie of this prefix, and no page without TLS. */
export const hostCookie: CookiePolicy = { name: "__Host-tenure", secure: true };

export interface Credential {
  token: string;
  from: "header" | "cookie";
}

/** The session that the request claims; undefined when there is no token or it is misshapen. */
export function sessionRefOf(request: Asking, cookie: CookiePolicy = hostCookie): SessionRef | undefined {
  const credential = credentialOf(request, cookie);
  return credential && parseToken(credential.token);
}

export function credentialOf({ headers }: Asking, cookie: CookiePolicy = hostCookie): Credential | undefined {
  const bearer = /^Bearer(?: +(.*)|$)/i.exec(headers.get("Authorization") ?? "");
  const header = bearer ? (bearer[1] ?? "") : headers.get("x-api-key");
  if (header !== null) return { token: header, from: "header" };
  const tokens = cookiesNamed(headers.get("Cookie") ?? "", cookie.name);
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

/** A `Set-Cookie` that the browser forgets when the session can no longer live. */
export function sessionCookie<Data>(cookie: CookiePolicy, token: string, session: Session<Data>): string {
  return cookieOf(cookie, token, session.absoluteExpiresAt - session.readAt);
}

/** A `Set-Cookie` by which the browser forgets the session. */
export const clearedCookie = (cookie: CookiePolicy): string => cookieOf(cookie, "", 0);

function cookieOf({ name, secure }: CookiePolicy, value: string, maxAgeMs: number): string {
  const maxAge = Math.max(0, Math.floor(maxAgeMs / 1000));
  return `${name}=${value}; Max-Age=${maxAge}; Path=/; HttpOnly;${secure ? " Secure;" : ""} SameSite=Lax`;
}
