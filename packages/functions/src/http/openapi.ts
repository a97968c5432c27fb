/** The API's description, made of what its routes check by, and a page to read it on. */
import { Hono } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { type OperationSpec, specOf } from "./operation.ts";

export interface Described {
  method: string;
  path: string;
  spec: OperationSpec;
}

/** Every route of `app` that says what it takes, in the order in which they were made. */
export function describedRoutes(app: Pick<Hono, "routes">): Described[] {
  return app.routes.flatMap(({ method, path, handler }) => {
    const spec = specOf(handler);
    return spec ? [{ method: method.toLowerCase(), path, spec }] : [];
  });
}

export function openapiRoutes(app: Pick<Hono, "routes">): Hono {
  let document: object | undefined;
  return new Hono()
    .get("/openapi.json", (c) => {
      document ??= describe(describedRoutes(app));
      return c.json(document);
    })
    .get("/docs", (c) => c.html(page(describedRoutes(app))));
}

const PROBLEM = { $ref: "#/components/schemas/Problem" };

function describe(routes: Described[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, spec } of routes) {
    const name = path.replace(/:(\w+)\??/g, "{$1}");
    paths[name] = { ...paths[name], [method]: operationOf(path, spec) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Tenure",
      version: "0.1.0",
      description:
        "Log in by e-mailed code; threads, runs, assistants and store on the wire of the LangGraph server, as @langchain/langgraph-sdk speaks it.",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: {
        Problem: {
          type: "object",
          description: "RFC 9457",
          required: ["type", "title", "status", "detail"],
          properties: {
            type: { type: "string" },
            title: { type: "string" },
            status: { type: "integer" },
            detail: { type: "string" },
          },
        },
      },
      securitySchemes: {
        cookie: { type: "apiKey", in: "cookie", name: "__Host-tenure" },
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
  };
}

function operationOf(
  path: string,
  { summary, tag, body, query, answers = { 200: "Done" }, open }: OperationSpec,
): object {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    ...{ name, in: "path", required: true },
    schema: { type: "string" },
  }));
  const asked = query
    ? (schemaOf(query) as { properties?: Record<string, object> | undefined; required?: string[] | undefined })
    : {};
  const inQuery = Object.entries(asked.properties ?? {}).map(([name, schema]) => ({
    ...{ name, in: "query", required: asked.required?.includes(name) ?? false },
    schema,
  }));
  return {
    summary,
    tags: [tag],
    ...(inPath.length + inQuery.length > 0 && { parameters: [...inPath, ...inQuery] }),
    ...(body && { requestBody: { content: { "application/json": { schema: schemaOf(body) } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, description]) => [status, { description }])),
      default: { description: "A problem", content: { "application/problem+json": { schema: PROBLEM } } },
    },
    security: open ? [] : [{ cookie: [] }, { bearer: [] }, { apiKey: [] }],
  };
}

const schemaOf = (schema: z.ZodType): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
};

function page(routes: Described[]) {
  const tags = [...new Set(routes.map(({ spec }) => spec.tag))];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Tenure: the API</title>
      </head>
      <body>
        <h1>Tenure: the API</h1>
        <p>With every schema: <a href="openapi.json">openapi.json</a>, OpenAPI 3.1.</p>
        ${tags.map(
          (tag) =>
            html`<h2>${tag}</h2>
              <dl>
                ${routes
                  .filter(({ spec }) => spec.tag === tag)
                  .map(
                    ({ method, path, spec }) =>
                      html`<dt><code>${method.toUpperCase()} ${path}</code></dt>
                        <dd>${spec.summary}${fieldsOf(spec)}</dd>`,
                  )}
              </dl>`,
        )}
      </body>
    </html>`;
}

function fieldsOf({ body, query }: OperationSpec): string {
  const names = [body, query].flatMap((schema) =>
    schema ? Object.keys((schemaOf(schema) as { properties?: object | undefined }).properties ?? {}) : [],
  );
  return names.length > 0 ? `: ${names.join(", ")}` : "";
}
