/** Rate limits before a handler. Headers: draft-ietf-httpapi-ratelimit-headers-10. */
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { Limit, Taken, Windows } from "@tenure/core/ratelimit";
import type { Asking, Gate, HeaderSink } from "./gate.ts";

export interface LimitOptions {
  /** The one whom a request counts for: an address that the client cannot set, an account, a user. */
  subjectOf(request: Asking, key: object): string;
  /** Answer when the request cannot be counted. Default "refuse": a limit that guards a login fails closed. */
  whenUnavailable?: "refuse" | "allow";
}

/** Counts each request, and answers 429 with Retry-After once there are too many. */
export function limited(windows: Windows, limit: Limit, options: LimitOptions): Gate {
  return {
    async check(request, key, sink) {
      await takeOrRefuse(
        windows,
        { ...limit, whenUnavailable: options.whenUnavailable ?? "refuse" },
        options.subjectOf(request, key),
        sink,
      );
      return undefined;
    },
  };
}

/**
 * Counts one request and says so in the response's headers, or throws `rate-limited`; throws `store-unavailable` when it cannot be
 * counted and the limit refuses then.
 */
export async function takeOrRefuse(
  windows: Windows,
  limit: Limit & { whenUnavailable: "refuse" | "allow" },
  subject: string,
  sink: Pick<HeaderSink, "append">,
): Promise<void> {
  let taken: Taken;
  try {
    taken = await windows.take(limit, subject);
  } catch (error) {
    if (limit.whenUnavailable === "allow" && isTenureError(error, "store-unavailable")) return;
    throw error;
  }
  const { allowed, remaining, resetAt: retryAt, waitMs } = taken;
  sink.append("RateLimit-Policy", `"${limit.name}";q=${limit.tokens};w=${limit.windowMs / 1000}`);
  sink.append("RateLimit", `"${limit.name}";r=${remaining};t=${Math.ceil(waitMs / 1000)}`);
  if (!allowed) throw new TenureError({ tag: "rate-limited", retryAt, waitMs });
}
