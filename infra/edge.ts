/** CloudFront's changes to each request before it goes on, and to each answer. See docs/decisions/012-front-door.md. */
import { Hono } from "hono";
import { keyedHandle, siteHeaders } from "./parts";
import { pepper } from "./secret";

/** As `edgeSecretOf` of packages/functions/src/lambda/edge.ts computes it. */
const secret = pepper.value.apply((key) => keyedHandle(key, "edge", ""));

const nothingHere = {
  statusCode: 404,
  headers: {
    "content-type": { value: "application/problem+json" },
    "cache-control": { value: "no-store" },
    "x-content-type-options": { value: "nosniff" },
  },
  body: JSON.stringify({
    type: "/api/problems/route-not-found",
    title: "Nothing here",
    status: 404,
    detail: "There is nothing at this path.",
  }),
};

/**
 * The API's answer for a path that nothing is at. The router gives the site for each path that no file is known for, and a person
 * can read that; a program would take it for what it has asked for. A name with a dot is a file's, which the router looks for.
 * Written tightly, since CloudFront takes 10 KB, most of which are SST's.
 */
const answerPrograms = `
const accept = event.request.headers.accept;
if (!/^\\/(api(\\/|$)|$)|\\.[^/]*$/.test(event.request.uri) && !(accept && accept.value.includes("text/html"))) return ${JSON.stringify(nothingHere)};
`;

/** Sets the headers that prove that a request came this way, and say from where, over whatever the client has sent. */
export const onRequest = $interpolate`${answerPrograms}
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
