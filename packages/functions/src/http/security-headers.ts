/** The security headers of every response, of the API and of the site. */
import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";

const NONE = ["'none'"];
const SELF = ["'self'"];

/** The site loads only from its own origin and runs no inline script or style. */
export const sitePolicy = {
  defaultSrc: NONE,
  scriptSrc: SELF,
  styleSrc: SELF,
  imgSrc: SELF,
  fontSrc: SELF,
  connectSrc: SELF,
  manifestSrc: SELF,
  formAction: SELF,
  baseUri: NONE,
  frameAncestors: NONE,
  requireTrustedTypesFor: ["'script'"],
};

const YEAR_SECONDS = 365 * 24 * 60 * 60;

const common = {
  strictTransportSecurity: `max-age=${YEAR_SECONDS}; includeSubDomains`,
  xFrameOptions: "DENY",
  referrerPolicy: "no-referrer",
  crossOriginOpenerPolicy: "same-origin",
  crossOriginResourcePolicy: "same-origin",
} as const;

export function siteHeaders(): MiddlewareHandler {
  return secureHeaders({ ...common, contentSecurityPolicy: sitePolicy });
}

/** The API's responses are data: nothing in them may load or run. */
export function apiHeaders(): MiddlewareHandler {
  return secureHeaders({
    ...common,
    contentSecurityPolicy: { defaultSrc: NONE, frameAncestors: NONE, baseUri: NONE, formAction: NONE },
  });
}
