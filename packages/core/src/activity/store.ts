import type { Activity } from "./policy.ts";

/** The activity log: one entry for every login, refusal, logout and revocation of an account. */
export interface ActivityLog {
  /** Writes one entry. Idempotent: repeat it after any failure. Throws `store-unavailable`. */
  append(activity: Activity): Promise<void>;

  /**
   * An account's entries, newest first, at most `limit`; `next` continues behind them and is missing when there
   * are no more. An entry whose time has passed is not among them; one that is damaged is "unreadable". Throws `store-unavailable`.
   */
  list(
    account: string,
    page: { limit: number; before?: string | undefined },
  ): Promise<{ entries: Activity[]; next?: string | undefined }>;

  /**
   * Deletes the entries of an account that are older than `before`, in epoch milliseconds. Idempotent: repeat it after any
   * failure. Throws `store-unavailable`.
   */
  removeAll(account: string, before: number): Promise<void>;
}
