/**
 * The end of every way to log in: a session for somebody who has proved that an e-mail address is theirs. login.ts is one way; another
 * one is a file beside it that calls `beginSession` once its proof is given.
 *
 * @example
 * .post("/passkey", async (c) => {
 *   const email = await verifiedPasskey(c);
 *   return beginSession(c, deps, { email, account: accountOf(deps.pepper, email), origin: originOf(c, deps.addressOf) });
 * })
 */
import { type DamagedSession, isDamaged, type Origin } from "@tenure/core/session";
import { keyedHandle, newToken } from "@tenure/core/token";
import { allowedOriginOf } from "@tenure/http";
import type { Context } from "hono";
import { type ApiSession, accountOf } from "../http/identity.ts";
import { sessionRefOf, setSessionCookie } from "../http/session/session.ts";
import type { AccountDeps } from "./deps.ts";
import { originOf } from "./device.ts";
import { rememberBrowser } from "./known-browser.ts";

/** `email` is normalized, and `account` is its account. */
export interface Proof {
  email: string;
  account: string;
  origin: Origin;
}

/**
 * Begins a session and answers with it: a browser gets the token in its cookie; a program, and a page of an allowed origin, in the body. The session that the browser had
 * ends. Throws `store-unavailable`, and nobody is logged in then.
 */
export async function beginSession(
  c: Context,
  deps: AccountDeps,
  { email, account, origin }: Proof,
): Promise<Response> {
  const { token, ref, created } = await createSession(c, deps, email, origin);
  deps.activity.record({ account, kind: "login", origin, detail: { session: ref.id, ended: created.ended } });
  setSessionCookie(c, deps.cookie, token, created.session);
  rememberBrowser(c, deps, account);
  return c.json({
    ...describeSession(created.session),
    ...((!isFromBrowser(c) || allowedOriginOf(c.req.raw, deps.allowedOrigins)) && { token }),
  });
}

/**
 * Creates a session of an address' user. A deletion of the account that comes in between may have ended the user's
 * sessions before this one was there, so that the user is looked for again: the login is then that of a new user.
 */
async function createSession(c: Context, deps: AccountDeps, email: string, origin: Origin) {
  const { users, sessions, pepper, cookie } = deps;
  for (;;) {
    const user = await users.findOrCreate(email);
    const { token, ref } = newToken(keyedHandle(pepper, "user", user.id));
    await endOtherUsersSession(c, deps, ref.handle);
    const presented = sessionRefOf(c, cookie);
    const created = await sessions.create(ref, {
      data: { userId: user.id, email: user.email },
      origin,
      ...(presented?.handle === ref.handle && { replaces: presented }),
    });
    if ((await users.find(email))?.id === user.id) return { token, ref, created };
    await sessions.revoke(ref);
  }
}

/** Ends the session that a new login replaces, where it is another user's. */
async function endOtherUsersSession(c: Context, deps: AccountDeps, handle: string): Promise<void> {
  const ref = sessionRefOf(c, deps.cookie);
  const ended = ref && ref.handle !== handle && (await deps.sessions.revoke(ref));
  if (ended) recordLogout(c, deps, ended);
}

/** Puts a logout on its account's record; a damaged session does not tell whose it was. */
export function recordLogout(c: Context, deps: AccountDeps, ended: ApiSession | DamagedSession): void {
  if (isDamaged(ended)) return;
  deps.activity.record({ ...about(deps, ended), kind: "logout", origin: originOf(c, deps.addressOf) });
}

/** Returns the account that a session's activity belongs to, and the detail that names the session. */
export function about(
  { pepper }: AccountDeps,
  { id, data }: ApiSession,
): { account: string; detail: { session: string } } {
  return { account: accountOf(pepper, data.email), detail: { session: id } };
}

/**
 * Browsers send Sec-Fetch-Mode, and scripts in them cannot leave it out. So does the `fetch` of Node.js, without
 * the Sec-Fetch-Site that every such browser sends along; that one is a program and needs its token.
 */
function isFromBrowser(c: Context): boolean {
  const nodeFetch = c.req.header("User-Agent") === "node" && c.req.header("Sec-Fetch-Site") === undefined;
  return c.req.header("Sec-Fetch-Mode") !== undefined && !nodeFetch;
}

export interface SessionDescription {
  user: { id: string; email: string };
  /** Instants in epoch milliseconds. */
  session: {
    id: string;
    createdAt: number;
    authenticatedAt: number;
    idleExpiresAt: number;
    absoluteExpiresAt: number;
    /** The server's time at this answer. */
    readAt: number;
  };
}

export function describeSession({ data, ...session }: ApiSession): SessionDescription {
  const { id, createdAt, authenticatedAt, idleExpiresAt, absoluteExpiresAt, readAt } = session;
  return {
    user: { id: data.userId, email: data.email },
    session: { id, createdAt, authenticatedAt, idleExpiresAt, absoluteExpiresAt, readAt },
  };
}
