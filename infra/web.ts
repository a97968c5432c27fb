/** The front door, and the site behind it: the site and the API are one origin, so that cookies are the origin's own. */
import { customErrorResponses } from "./cdn";
import { siteDomain } from "./domain";
import { onRequest, onResponse } from "./edge";
import { site } from "./parts";

/** Where `sst dev` serves the site, with hot reload; the pages' requests for /api go on to the router. */
const DEV_PORT = 5173;
const devOrigin = `http://localhost:${DEV_PORT}`;
const isServedHere = $dev && site.dev !== undefined;

/** Then the router has no site. Rather than a placeholder's, the answer is where the site is. */
const onDevRequest = `
  if (!/^\\/api(\\/|$)/.test(event.request.uri)) return {
    statusCode: 302,
    statusDescription: "Found",
    headers: { location: { value: "${devOrigin}" + event.request.uri }, "cache-control": { value: "no-store" } },
    body: "sst dev serves the site at ${devOrigin}; here is its /api alone.",
  };
`;

export const router = new sst.aws.Router("Router", {
  ...(siteDomain && { domain: siteDomain }),
  edge: {
    viewerRequest: { injection: isServedHere ? $interpolate`${onDevRequest}${onRequest}` : onRequest },
    viewerResponse: { injection: onResponse },
  },
  transform: { cdn: { customErrorResponses } },
});

const routerOrigin = router.url.apply((url) => url.replace(/\/$/, ""));

/** The site's origin as browsers see it. */
export const origin = isServedHere ? $output(devOrigin) : routerOrigin;

new sst.aws.StaticSite("Web", {
  path: site.path,
  ...(site.build && { build: site.build }),
  dev: site.dev ? { command: site.dev(DEV_PORT), url: devOrigin, title: "Site" } : false,
  ...(isServedHere && { environment: { TENURE_API_URL: routerOrigin } }),
  // A page that is open when a deployment comes still asks for the files of its own version.
  assets: { purge: false },
  router: { instance: router },
});
