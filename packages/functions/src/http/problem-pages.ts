import { TenureError } from "@tenure/core/errors";
import { Hono } from "hono";
import { problems, typeOf } from "./problem.ts";

/** Returns the routes that a problem's `type` points at. The page for people is docs/problems/<tag>.md. */
export function problemRoutes(): Hono {
  return new Hono().get("/:tag", (c) => {
    const tag = c.req.param("tag");
    if (!Object.hasOwn(problems, tag)) throw new TenureError({ tag: "route-not-found" });
    const { status, title } = problems[tag as keyof typeof problems];
    return c.json({ type: typeOf(tag), title, status, documentation: `docs/problems/${tag}.md` });
  });
}
