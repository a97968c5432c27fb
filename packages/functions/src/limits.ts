/** What one client may ask for. Durations in milliseconds. */
import { TenureError } from "@tenure/core/errors";
import type { Limit, Windows } from "@tenure/core/ratelimit";

const MINUTE = 60_000;

export const limits = {
  codesPerAddress: { name: "code-address", tokens: 20, windowMs: 10 * MINUTE },
  codesPerAccount: { name: "code-account", tokens: 10, windowMs: 60 * MINUTE },
  verifiesPerAddress: { name: "verify-address", tokens: 60, windowMs: 10 * MINUTE },
  runsPerUser: { name: "run-user", tokens: 100, windowMs: MINUTE },
} satisfies Record<string, Limit>;

/** Counts one request, or throws `rate-limited`; throws `store-unavailable` when the window cannot be read. */
export async function takeOrRefuse(windows: Windows, limit: Limit, subject: string): Promise<void> {
  const taken = await windows.take(limit, subject);
  if (!taken.allowed) throw new TenureError({ tag: "rate-limited", retryAt: taken.resetAt });
}
