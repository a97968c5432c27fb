/** The front door, and the site behind it: the site and the API are one origin, so that cookies are the origin's own. */
import { customErrorResponses } from "./cdn";
import { siteDomain } from "./domain";
import { onRequest, onResponse } from "./edge";

export const router = new sst.aws.Router("Router", {
  ...(siteDomain && { domain: siteDomain }),
  edge: { viewerRequest: { injection: onRequest }, viewerResponse: { injection: onResponse } },
  transform: { cdn: { customErrorResponses } },
});

export const origin = router.url.apply((url) => url.replace(/\/$/, ""));

new sst.aws.StaticSite("Web", {
  path: "packages/web",
  build: { command: "npx vite build --logLevel warn", output: "dist/site" },
  dev: { command: "npx vite", url: "http://localhost:5173" },
  router: { instance: router },
});
