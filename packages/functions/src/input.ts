import { TenureError } from "@tenure/core/errors";
import type { Context } from "hono";
import type { z } from "zod";

/** The request's JSON body as `schema` wants it, or `invalid-input` that says what is wrong where. */
export async function readBody<T extends z.ZodType>(c: Context, schema: T): Promise<z.infer<T>> {
  const text = await c.req.text();
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch {
    throw new TenureError({ tag: "invalid-input", issues: ["The body is not JSON."] });
  }
  return parse(schema, body);
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw new TenureError({ tag: "invalid-input", issues });
}
