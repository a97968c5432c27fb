/** CloudFront's changes to each request before it goes on, and to each answer. See docs/decisions/012-front-door.md. */
import { Hono } from "hono";
import { keyedHandle, siteHeaders } from "./parts";
import { pepper } from "./secret";

/** As `edgeSecretOf` of packages/functions/src/lambda/edge.ts computes it. */
const secret = pepper.value.apply((key) => keyedHandle(key, "edge", ""));

/** Sets the headers that prove that a request came this way, and say from where, over whatever the client has sent. */
export const onRequest = $interpolate`
  event.request.headers["x-tenure-edge"] = { value: "${secret}" };
  event.request.headers["x-tenure-client-address"] = { value: event.viewer.ip };
`;

/** The headers that the local stack gives the site; the API gives its own. */
const headers = (
  await new Hono()
    .use(siteHeaders())
    .get("/", (c) => c.body(null))
    .request("/")
).headers;
const assignments = [...headers].map(
  ([name, value]) => `event.response.headers[${JSON.stringify(name)}] = { value: ${JSON.stringify(value)} };`,
);
export const onResponse = `
  if (!event.request.uri.startsWith("/api")) {
    ${assignments.join("\n    ")}
  }
`;
