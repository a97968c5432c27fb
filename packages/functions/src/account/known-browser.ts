/**
 * A browser that has logged in to an account before. It keeps limits of its own, so that a stranger who asks for codes, or tries
 * some, cannot keep its user out. The cookie opens nothing, and counts for the one account. Source: OWASP, "Slow Down
 * Online Guessing Attacks with Device Cookies".
 */
import type { Clock } from "@tenure/core/clock";
import { newMark, parseMark } from "@tenure/core/token";
import type { Context } from "hono";
import { setCookie } from "hono/cookie";
import { type CookiePolicy, cookiesNamed } from "../http/session/credential.ts";

/** As long as browsers keep a cookie (RFC 6265bis, section 5.5). */
const MAX_AGE_MS = 400 * 24 * 60 * 60 * 1000;

interface Marks {
  cookie: CookiePolicy;
  pepper: string;
  clock: Clock;
}

const nameOf = ({ name }: CookiePolicy) => `${name}-browser`;

/** The name of the request's browser among those of an account; undefined for one that has not logged in to it. */
export function knownBrowserOf(c: Context, { cookie, pepper, clock }: Marks, account: string): string | undefined {
  const marks = cookiesNamed(c.req.header("Cookie") ?? "", nameOf(cookie));
  return marks.length === 1 ? parseMark(pepper, account, marks[0] as string, clock.now()) : undefined;
}

/** To be called at a login. A browser that is known already stays the one it is. */
export function rememberBrowser(c: Context, marks: Marks, account: string): void {
  if (knownBrowserOf(c, marks, account) !== undefined) return;
  const { cookie, pepper, clock } = marks;
  const { secure } = cookie;
  const options = { path: "/", httpOnly: true, sameSite: "Lax", secure, maxAge: MAX_AGE_MS / 1000 } as const;
  setCookie(c, nameOf(cookie), newMark(pepper, account, clock.now() + MAX_AGE_MS), options);
}
