/**
 * The code that this tab waits for, kept for the tab: a phone that drops it while the mail is read, or a reload, finds it again.
 *
 *     none     -> waiting    a code was sent
 *     waiting  -> waiting    another one was sent, which replaces it
 *              -> none       somebody has logged in
 *
 * A code that has expired stays waiting: the page says so, and offers another one. Nothing of it opens anything without the code
 * from the mailbox. Instants are the server's.
 */
import type { Challenge } from "../server/account.ts";

export interface Waiting extends Challenge {
  email: string;
  /** Codes that were refused: trying one again would only use up another try. */
  refused: string[];
}

const KEY = "tenure-challenge";

export function loadChallenge(): Waiting | undefined {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Waiting | null;
    return kept && typeof kept.challenge === "string" && Array.isArray(kept.refused) ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Where the browser keeps nothing for the page, the page alone does. */
export function keepChallenge(waiting: Waiting | undefined): void {
  try {
    if (waiting) sessionStorage.setItem(KEY, JSON.stringify(waiting));
    else sessionStorage.removeItem(KEY);
  } catch {
    // A browser that stores nothing: a reload begins anew.
  }
}
