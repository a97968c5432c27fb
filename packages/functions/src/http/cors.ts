/**
 * Pages of other origins that an operator has allowed by name (`TENURE_ALLOWED_ORIGINS`). They hold their token themselves and send it
 * in a header; the cookie never counts for them, and no answer to them sets one. A page of any other origin gets no answer that its
 * browser would show it, and its preflight is refused on every route alike. Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 */
import { TenureError } from "@tenure/core/errors";
import { allowedOriginOf } from "@tenure/http";
import type { MiddlewareHandler } from "hono";
import type { HttpDeps } from "./deps.ts";
import { problemResponse } from "./problem.ts";
import { credentialOf } from "./session/credential.ts";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** Request headers of LangGraph's clients, and of browsers that take up a stream. */
const REQUEST_HEADERS =
  "Authorization, Content-Type, x-api-key, x-auth-scheme, x-requested-with, Idempotency-Key, Last-Event-ID, Prefer";
const RESPONSE_HEADERS = [
  ...["Content-Location", "Location", "X-Pagination-Total", "X-Pagination-Next", "X-Session-Expires-At"],
  ...["Retry-After", "RateLimit", "RateLimit-Policy", "Preference-Applied"],
].join(", ");
/** The time in seconds for which a browser need not ask again: Chromium takes no more. */
const MAX_AGE = "7200";

export function cors({ allowedOrigins, cookie }: Pick<HttpDeps, "allowedOrigins" | "cookie">): MiddlewareHandler {
  return async (c, next) => {
    const origin = allowedOriginOf(c.req.raw, allowedOrigins);
    const isPreflight = c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") !== undefined;
    if (isPreflight && origin === undefined) return problemResponse(c, new TenureError({ tag: "cross-origin" }));
    if (allowedOrigins.length > 0) c.header("Vary", "Origin", { append: true });
    if (origin === undefined) return next();
    if (isPreflight) {
      c.header("Access-Control-Allow-Origin", origin);
      c.header("Access-Control-Allow-Methods", METHODS);
      c.header("Access-Control-Allow-Headers", REQUEST_HEADERS);
      c.header("Access-Control-Max-Age", MAX_AGE);
      return c.body(null, 204);
    }
    if (credentialOf(c, cookie)?.from === "cookie") return problemResponse(c, new TenureError({ tag: "cross-origin" }));
    await next();
    c.res.headers.set("Access-Control-Allow-Origin", origin);
    c.res.headers.set("Access-Control-Expose-Headers", RESPONSE_HEADERS);
    c.res.headers.delete("Set-Cookie");
    return undefined;
  };
}
