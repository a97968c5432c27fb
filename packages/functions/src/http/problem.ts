/** Errors as this API answers them: the problem documents of @tenure/http, whose types are pages of its own. */
import { problemOf } from "@tenure/http";
import type { Context } from "hono";

export { problems } from "@tenure/http";

/** Where a problem's `type` points: its page, served by this API (http/problem-pages.ts). */
export const typeOf = (tag: string): string => `/api/problems/${tag}`;

/** Returns the response to an error. An error that is not a TenureError is not described: it may contain anything. */
export function problemResponse(c: Context, error: unknown): Response {
  const { status, headers, document } = problemOf(error, typeOf);
  return c.body(JSON.stringify(document), status, headers);
}
