/**
 * Unsafe requests that a browser makes from another origin are refused, unless they carry their token in a
 * header, which no other origin can make a browser do unasked. SameSite=Lax alone does not tell origins of one
 * site apart, another port of localhost for example.
 */
import { TenureError } from "@tenure/core/errors";
import type { Context, MiddlewareHandler } from "hono";
import type { HttpDeps } from "../deps.ts";
import { credentialOf } from "./credential.ts";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

type Origins = Pick<HttpDeps, "cookie" | "publicOrigin" | "allowedOrigins">;

export function sameOrigin({ cookie, publicOrigin, allowedOrigins }: Origins): MiddlewareHandler {
  return async (c, next) => {
    // A page of an allowed origin has no cookie that counts: see cors.ts.
    const isAllowed = allowedOriginOf(c, allowedOrigins) !== undefined;
    if (!isAllowed && credentialOf(c, cookie)?.from !== "header" && crossesOrigin(c, { publicOrigin, allowedOrigins }))
      throw new TenureError({ tag: "cross-origin" });
    await next();
  };
}

/** The origin of the page that makes the request, if that is another one and is allowed. */
export function allowedOriginOf(c: Context, allowedOrigins: readonly string[]): string | undefined {
  const origin = c.req.header("Origin");
  const isAllowed = origin !== undefined && allowedOrigins.includes(origin);
  return isAllowed && !isProxied(c) ? origin : undefined;
}

/** True where the browser says that the page's origin is the one it asks: a development server hands the request on, with another Host. */
const isProxied = (c: Context): boolean => c.req.header("Sec-Fetch-Site") === "same-origin";

/** True when a page of another origin makes this request, with a method that may change something. */
export function crossesOrigin(
  c: Context,
  {
    publicOrigin,
    allowedOrigins = [],
  }: { publicOrigin?: string | undefined; allowedOrigins?: readonly string[] | undefined },
): boolean {
  if (SAFE.has(c.req.method)) return false;
  const site = c.req.header("Sec-Fetch-Site");
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  const origin = c.req.header("Origin");
  if (origin === undefined) return false;
  if (isProxied(c) && allowedOrigins.includes(origin)) return false;
  if (publicOrigin !== undefined) return origin !== publicOrigin;
  return hostOf(origin) !== (c.req.header("Host") ?? "");
}

/** Undefined for the opaque origin "null" and for whatever is not an origin of the web. */
function hostOf(origin: string): string | undefined {
  return /^https?:/.test(origin) && URL.canParse(origin) ? new URL(origin).host : undefined;
}
