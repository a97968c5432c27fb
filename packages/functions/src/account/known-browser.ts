/**
 * A browser that has logged in to an account before. It keeps limits of its own, so that a stranger who asks for codes, or tries
 * some, cannot keep its user out. The cookie opens nothing, and counts for the one account. Source: OWASP, "Slow Down
 * Online Guessing Attacks with Device Cookies".
 */
import { newMark, parseMark } from "@tenure/core/token";
import type { Context } from "hono";
import { setCookie } from "hono/cookie";
import { type CookiePolicy, cookiesNamed } from "../http/session/credential.ts";

/** As long as browsers keep a cookie (RFC 6265bis, section 5.5), in seconds. */
const MAX_AGE_S = 400 * 24 * 60 * 60;

const nameOf = ({ name }: CookiePolicy) => `${name}-browser`;

/** The name of the request's browser among those of an account; undefined for one that has not logged in to it. */
export function knownBrowserOf(c: Context, policy: CookiePolicy, pepper: string, account: string): string | undefined {
  const marks = cookiesNamed(c.req.header("Cookie") ?? "", nameOf(policy));
  return marks.length === 1 ? parseMark(pepper, account, marks[0] as string) : undefined;
}

/** To be called at a login. A browser that is known already stays the one it is. */
export function rememberBrowser(c: Context, policy: CookiePolicy, pepper: string, account: string): void {
  if (knownBrowserOf(c, policy, pepper, account) !== undefined) return;
  const options = { path: "/", httpOnly: true, sameSite: "Lax", secure: policy.secure, maxAge: MAX_AGE_S } as const;
  setCookie(c, nameOf(policy), newMark(pepper, account), options);
}
