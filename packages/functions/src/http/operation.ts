/**
 * The description of a route, given once: its body and query are checked by these schemas, and the API's description
 * (openapi.ts) is made of them.
 */
import type { Context, MiddlewareHandler } from "hono";
import { z } from "zod";
import { parse, readBody } from "./input.ts";

export interface OperationSpec<B extends z.ZodType = z.ZodType, Q extends z.ZodType = z.ZodType> {
  summary: string;
  tag: string;
  /** A route without one takes no body. */
  body?: B | undefined;
  /** Gives the body the names of the schema, where a client sends others. */
  rename?: ((body: unknown) => unknown) | undefined;
  /** A route without one takes no parameters. */
  query?: Q | undefined;
  /** The route's answers in words, by status. */
  answers?: Record<number, string> | undefined;
  /** True when anybody may call the route, without a session. */
  open?: boolean | undefined;
}

type Taken<B extends z.ZodType, Q extends z.ZodType> = { Variables: { body: z.infer<B>; query: z.infer<Q> } };

const specs = new WeakMap<object, OperationSpec>();
const NOTHING = z.object({});

/** To be put before a route's handler, which finds what was checked in `c.var.body` and `c.var.query`. */
export function operation<B extends z.ZodType, Q extends z.ZodType>(
  spec: OperationSpec<B, Q>,
): MiddlewareHandler<Taken<B, Q>> {
  const check: MiddlewareHandler<Taken<B, Q>> = async (c, next) => {
    const query = parse(spec.query ?? NOTHING, queryOf(c), true);
    if (spec.query) c.set("query", query as z.infer<Q>);
    const hasBody = spec.body !== undefined || (c.req.method !== "GET" && c.req.method !== "HEAD");
    const body = hasBody ? await readBody(c, spec.body ?? NOTHING, { closed: true, rename: spec.rename }) : undefined;
    if (spec.body) c.set("body", body as z.infer<B>);
    await next();
  };
  specs.set(check, spec);
  return check;
}

export const specOf = (handler: object): OperationSpec | undefined => specs.get(handler);

/** A parameter that is there several times is a list. */
function queryOf(c: Context): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]),
  );
}
