/**
 * Gates for Hono.
 *
 * @example
 * import type { Sessions } from "@tenure/http";
 * import { gate, problems } from "@tenure/http/hono";
 * import { Hono } from "hono";
 *
 * declare const sessions: Sessions<{ userId: string }>;
 * const app = new Hono().use("/me", gate(sessions)).get("/me", (c) => c.json(sessions.visit(c.req.raw).session.data));
 * app.onError(problems());
 */
import { isTenureError } from "@tenure/core/errors";
import { isList, passGates } from "./fetch.ts";
import type { Gate, HeaderSink } from "./gate.ts";
import { problemResponse } from "./problem.ts";

/** The part of Hono's context that is used. */
export interface Context {
  req: { raw: Request };
  header(name: string, value: string, options?: { append?: boolean }): void;
}

export const sinkOf = (c: Context): HeaderSink => ({
  set: (name, value) => c.header(name, value),
  append: (name, value) => c.header(name, value, { append: true }),
});

/** A middleware. An error of a gate that is no refusal goes to the app's error handler. */
export function gate(gate: Gate): (c: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (c, next) => {
    // Told once there is a response, which a handler may have made by itself.
    const told = new Headers();
    const refusal = await passGates([gate], c.req.raw, told);
    if (refusal) return refusal;
    await next();
    for (const [name, value] of told) c.header(name, value, { append: isList(name) });
    return undefined;
  };
}

/** An error handler: answers what handlers throw that is Tenure's own, and throws the rest. */
export function problems(): (error: unknown) => Response {
  return (error) => {
    if (!isTenureError(error)) throw error;
    return problemResponse(error);
  };
}
