/**
 * The front door sets these two headers on every request, over whatever a client has sent (infra/edge.ts). A function URL is
 * open to the world: who calls it directly does not know the secret, and is refused.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { keyedHandle } from "@tenure/core/token";
import type { MiddlewareHandler } from "hono";

export const SECRET_HEADER = "x-tenure-edge";
export const ADDRESS_HEADER = "x-tenure-client-address";

/** Returns the secret that infra/edge.ts has the front door send. */
export const edgeSecretOf = (pepper: string): string => keyedHandle(pepper, "edge", "");

const digest = (text: string) => createHash("sha256").update(text).digest();

export function throughEdge(secret: string): MiddlewareHandler {
  const wanted = digest(secret);
  return async (c, next) => {
    if (!timingSafeEqual(digest(c.req.header(SECRET_HEADER) ?? ""), wanted)) return c.text("Forbidden", 403);
    return next();
  };
}
