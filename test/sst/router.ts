/** Runs the function that SST's router has CloudFront run for each request, on the entries that the program would store. */
import type { Program } from "./program.ts";

type Headers = Record<string, { value: string } | undefined>;

interface Asked {
  uri: string;
  method?: string;
  headers?: Headers;
}

interface Routed {
  uri: string;
  headers: Headers;
  origin: { domainName: string } | undefined;
  /** The status of an answer that the router gives itself, without asking any origin. */
  statusCode?: number;
  body?: string;
}

export function viewerRequest({ resources }: Program): (asked: Asked) => Promise<Routed> {
  const code = resources.find(({ name }) => name === "RouterCloudfrontFunctionRequest")?.inputs.code as string;
  const entries = new Map<string, string>();
  const routes = new Map<string, string[]>();
  for (const { name, inputs } of resources) {
    if (name.endsWith(".KvKeys"))
      for (const [key, value] of Object.entries(inputs.entries as Record<string, string>))
        entries.set(`${inputs.namespace}:${key}`, value);
    if (name.endsWith(".KvRoutesUpdate")) {
      const key = `${inputs.namespace}:${inputs.key}`;
      routes.set(key, [...(routes.get(key) ?? []), inputs.entry as string]);
    }
  }
  for (const [key, found] of routes) entries.set(key, JSON.stringify(found));

  return async ({ uri, method = "GET", headers = {} }) => {
    let origin: Routed["origin"];
    const cf = {
      kvs: () => ({
        async get(key: string) {
          const value = entries.get(key);
          if (value === undefined) throw new Error(`no ${key}`);
          return value;
        },
      }),
      updateRequestOrigin: (to: Routed["origin"]) => {
        origin = to;
      },
    };
    const body = code.replace(/^\s*import cf from "cloudfront";/m, "");
    const handler = new Function("cf", `${body}\nreturn handler;`)(cf) as (event: object) => Promise<Routed>;
    const request = {
      uri,
      method,
      querystring: {},
      cookies: {},
      headers: { host: { value: "d1.cloudfront.net" }, ...headers },
    };
    const event = { context: { eventType: "viewer-request" }, viewer: { ip: "203.0.113.9" }, request };
    const routed = await handler(event);
    return { ...routed, origin };
  };
}
