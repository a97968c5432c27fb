/**
 * The origin of the page that makes a request. Unsafe requests from another origin do not get the cookie's session: SameSite=Lax
 * alone does not tell origins of one site apart, another port of localhost for example.
 */
import type { Asking } from "./gate.ts";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

export interface Origins {
  /** The site's origin as browsers see it, where it is not the Host header of the request. */
  publicOrigin?: string | undefined;
  /** Other origins whose pages may ask: with a token in a header, or by a proxy that hands their requests on. */
  allowedOrigins?: readonly string[];
}

/** The origin of the page that makes the request, if that is another one and is allowed. */
export function allowedOriginOf(request: Asking, allowedOrigins: readonly string[]): string | undefined {
  const origin = request.headers.get("Origin");
  const isAllowed = origin !== null && allowedOrigins.includes(origin);
  return isAllowed && !isProxied(request) ? origin : undefined;
}

/** True where the browser says that the page's origin is the one it asks: a development server hands the request on, with another Host. */
const isProxied = ({ headers }: Asking): boolean => headers.get("Sec-Fetch-Site") === "same-origin";

/** True when a page of another origin makes this request, with a method that may change something. */
export function crossesOrigin(request: Asking, { publicOrigin, allowedOrigins = [] }: Origins): boolean {
  const { method, headers, url = "" } = request;
  if (SAFE.has(method)) return false;
  const site = headers.get("Sec-Fetch-Site");
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("Origin");
  if (origin === null) return false;
  if (isProxied(request) && allowedOrigins.includes(origin)) return false;
  if (publicOrigin !== undefined) return origin !== publicOrigin;
  return hostOf(origin) !== (headers.get("Host") ?? hostOf(url) ?? "");
}

/** Undefined for the opaque origin "null" and for whatever is not an origin of the web. */
function hostOf(origin: string): string | undefined {
  return /^https?:/.test(origin) && URL.canParse(origin) ? new URL(origin).host : undefined;
}
