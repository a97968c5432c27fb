import type { Windows } from "@tenure/core/ratelimit";

/** TENURE_LIMITS=off, for load tests: windows that never fill. Deployed code has no such thing. */
export const openWindows: Windows = {
  take: async (limit) => ({ allowed: true, limit: limit.tokens, remaining: limit.tokens, resetAt: 0, waitMs: 0 }),
};
