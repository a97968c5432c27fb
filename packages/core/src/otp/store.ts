import type { CodeRejection } from "../errors.ts";

/** The request that a code is bound to. `account` is a keyed hash of the e-mail address. */
export interface IssueRequest {
  account: string;
  challenge: string;
  /** HMAC of (challenge, code); the code itself never reaches the store. */
  digest: string;
  email: string;
  /** The browser whose own resend interval and wrong tries count; those of all others when left out. */
  browser?: string | undefined;
}

export type Issued = { issued: true; expiresAt: number; resendAt: number } | (Wait & { issued: false });

/** `waitMs` is how long it is until `retryAt` by Redis' clock, which may be another than the caller's. */
export interface Wait {
  retryAt: number;
  waitMs: number;
}

export type Consumed =
  | { accepted: true; email: string }
  | { accepted: false; why: CodeRejection; attemptsLeft: number }
  | (Wait & { accepted: false; why: "locked" });

/**
 * Login codes, each used once. Both methods are atomic and take one round trip; both throw `store-unavailable` when
 * Redis does not answer in time. Instants are epoch milliseconds by Redis' clock.
 */
export interface CodeStore {
  /**
   * Stores a code, unless the account, or this browser of its, was sent one within the resend interval or has too many wrong tries.
   * Unknown outcome: the code was not sent to anyone, so it is of no use; ask again after the interval.
   */
  issue(request: IssueRequest): Promise<Issued>;

  /**
   * Uses a code up. The try is counted before the comparison, in the same script, so any number of concurrent
   * tries share the same five; of any number of right ones exactly one is accepted. Unknown outcome: the code
   * may be used up; ask for a new one. Not to be repeated.
   */
  consume(account: string, challenge: string, digest: string, browser?: string): Promise<Consumed>;
}
