/** The limits of the routes, and what is done when a request cannot be counted. Durations in milliseconds. */
import type { Limit, Windows } from "@tenure/core/ratelimit";
import { takeOrRefuse as take } from "@tenure/http";
import type { Context } from "hono";

export interface RouteLimit extends Limit {
  /** Windows are on Redis. Where they guard a login they fail closed; elsewhere it is a choice, made here. */
  whenUnavailable: "refuse" | "allow";
}

const MINUTE = 60_000;

export const limits = {
  // Messages cost money, and the good name of who sends them. A mailbox is an address without its plus part; a network is a provider's
  // block of addresses, of which one person has many.
  codesPerAddress: { name: "code-address", tokens: 20, windowMs: 10 * MINUTE, whenUnavailable: "refuse" },
  codesPerNetwork: { name: "code-network", tokens: 60, windowMs: 10 * MINUTE, whenUnavailable: "refuse" },
  codesPerMailbox: { name: "code-mailbox", tokens: 10, windowMs: 60 * MINUTE, whenUnavailable: "refuse" },
  codesPerService: { name: "code-service", tokens: 2_000, windowMs: 60 * MINUTE, whenUnavailable: "refuse" },
  verifiesPerAddress: { name: "verify-address", tokens: 60, windowMs: 10 * MINUTE, whenUnavailable: "refuse" },
  verifiesPerNetwork: { name: "verify-network", tokens: 300, windowMs: 10 * MINUTE, whenUnavailable: "refuse" },
  verifiesPerAccount: { name: "verify-account", tokens: 60, windowMs: 10 * MINUTE, whenUnavailable: "refuse" },
  // In the place of all of these, for a browser that has logged in to the account before: no stranger uses them up. A user who can
  // log in can have many such browsers, so that all of an account, and all of the service, are counted too.
  codesPerBrowser: { name: "code-browser", tokens: 10, windowMs: 60 * MINUTE, whenUnavailable: "refuse" },
  codesPerBrowsers: { name: "code-browsers", tokens: 20, windowMs: 60 * MINUTE, whenUnavailable: "refuse" },
  codesToBrowsers: { name: "code-known", tokens: 2_000, windowMs: 60 * MINUTE, whenUnavailable: "refuse" },
  verifiesPerBrowser: { name: "verify-browser", tokens: 60, windowMs: 10 * MINUTE, whenUnavailable: "refuse" },
  verifiesPerBrowsers: { name: "verify-browsers", tokens: 100, windowMs: 60 * MINUTE, whenUnavailable: "refuse" },
  // A run costs money.
  runsPerUser: { name: "run-user", tokens: 100, windowMs: MINUTE, whenUnavailable: "refuse" },
  // Routes that show a user what is theirs or log them out, behind a session that was just read from the same Redis.
  accountPerUser: { name: "account-user", tokens: 120, windowMs: MINUTE, whenUnavailable: "allow" },
  // The race of the demo: five reads a second while one looks.
  racesPerUser: { name: "race-user", tokens: 6, windowMs: MINUTE, whenUnavailable: "refuse" },
  raceReadsPerUser: { name: "race-read-user", tokens: 400, windowMs: MINUTE, whenUnavailable: "refuse" },
} satisfies Record<string, RouteLimit>;

/** Counts one request and says so in the response's headers, or throws `rate-limited`, or `store-unavailable` where the limit refuses then. */
export function takeOrRefuse(
  c: Pick<Context, "header">,
  windows: Windows,
  limit: RouteLimit,
  subject: string,
): Promise<void> {
  return take(windows, limit, subject, { append: (name, value) => c.header(name, value, { append: true }) });
}
