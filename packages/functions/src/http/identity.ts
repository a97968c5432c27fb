/**
 * The data of a session of this API: whose it is. Set at login, so that no other store is asked.
 *
 * Sessions outlive a deployment, with the data of the version that made them. A field that is new is `optional`.
 * A required field ends every live session (401 and a line `session-data-unread`), which is a
 * way to end them all.
 */
import type { Session, SessionStore } from "@tenure/core/session";
import { keyedHandle } from "@tenure/core/token";
import { fields, type Of, text } from "./check.ts";

export const identity = fields({ userId: text(), email: text() });
export type Identity = Of<typeof identity>;

export type ApiSession = Session<Identity>;
export type ApiSessionStore = SessionStore<Identity>;

/** The name under which an account's codes and activity are kept: it does not tell the address. */
export function accountOf(pepper: string, email: string): string {
  return keyedHandle(pepper, "account", email);
}
