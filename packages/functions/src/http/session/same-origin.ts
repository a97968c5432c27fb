/**
 * Unsafe requests that a browser makes from another origin are refused, unless they carry their token in a
 * header, which no other origin can make a browser do unasked.
 */
import { TenureError } from "@tenure/core/errors";
import { allowedOriginOf, credentialOf, crossesOrigin } from "@tenure/http";
import type { MiddlewareHandler } from "hono";
import type { HttpDeps } from "../deps.ts";

type Origins = Pick<HttpDeps, "cookie" | "publicOrigin" | "allowedOrigins">;

export function sameOrigin({ cookie, publicOrigin, allowedOrigins }: Origins): MiddlewareHandler {
  return async (c, next) => {
    const request = c.req.raw;
    // A page of an allowed origin has no cookie that counts: see cors.ts.
    const isAllowed = allowedOriginOf(request, allowedOrigins) !== undefined;
    const isByHeader = credentialOf(request, cookie)?.from === "header";
    if (!isAllowed && !isByHeader && crossesOrigin(request, { publicOrigin, allowedOrigins }))
      throw new TenureError({ tag: "cross-origin" });
    await next();
  };
}
