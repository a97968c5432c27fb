/** The session's token in Hono's requests and responses: @tenure/http says where it is, and what the cookie is. */
import type { Session } from "@tenure/core/session";
import type { SessionRef } from "@tenure/core/token";
import {
  type CookiePolicy,
  type Credential,
  clearedCookie,
  credentialOf as credentialIn,
  sessionCookie,
  sessionRefOf as sessionRefIn,
} from "@tenure/http";
import type { Context } from "hono";

export { type CookiePolicy, cookiesNamed, hostCookie } from "@tenure/http";

/** The session that the request claims; undefined when there is no token or it is misshapen. */
export const sessionRefOf = (c: Context, cookie: CookiePolicy): SessionRef | undefined =>
  sessionRefIn(c.req.raw, cookie);

export const credentialOf = (c: Context, cookie: CookiePolicy): Credential | undefined =>
  credentialIn(c.req.raw, cookie);

/** The browser forgets the cookie when the session can no longer live. */
export function setSessionCookie<Data>(c: Context, policy: CookiePolicy, token: string, session: Session<Data>): void {
  c.header("Set-Cookie", sessionCookie(policy, token, session), { append: true });
}

export function clearSessionCookie(c: Context, policy: CookiePolicy): void {
  c.header("Set-Cookie", clearedCookie(policy), { append: true });
}
