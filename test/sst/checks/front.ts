/** Checks of CloudFront: routes, headers, caching of errors and the domain. */
import { TenureError } from "@tenure/core/errors";
import { edgeSecretOf } from "@tenure/functions/lambda/edge";
import { problemOf } from "@tenure/http";
import { expect } from "vitest";
import { secrets } from "../program.ts";
import { viewerRequest } from "../router.ts";
import { all, type Checks, functionOf, only } from "./stage.ts";

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html */
const ERRORS_THAT_CLOUDFRONT_KEEPS = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];
/** CloudFront takes 10,240 bytes: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html */
const MOST_EDGE_BYTES = 9_500;

export const frontChecks: Checks = {
  async "the site and the API are one origin, and each path leads where it is served"(program, { domain }) {
    const routed = viewerRequest(program);
    const headers = { host: { value: domain ?? "d1.cloudfront.net" }, accept: { value: "text/html,*/*;q=0.8" } };
    const route = ({ uri }: { uri: string }) => routed({ uri, headers });
    const hostOf = (name: string) =>
      (program.resources.find((one) => one.name === `RouterRoute${name}RouteKey.sst.aws.KvKeys`)?.inputs.entries
        .metadata as string) ?? "";
    const { host: api } = JSON.parse(hostOf("/api"));
    const { host: auth } = JSON.parse(hostOf("/api/auth"));
    expect(api).not.toBe(auth);
    for (const [path, host] of [
      ["/api/threads", api],
      ["/api/runs/stream", api],
      ["/api/account", api],
      ["/api/ok", api],
      ["/api/auth/verify", auth],
      ["/api/auth/session", auth],
      ["/api/activity", auth],
    ])
      expect([path, (await route({ uri: path as string })).origin?.domainName]).toEqual([path, host]);
    for (const page of ["/", "/threads/one"]) {
      const { uri, origin } = await route({ uri: page });
      expect(origin?.domainName).toContain("webassets");
      if (page === "/") expect(uri).toBe("/index.html");
    }
  },

  async "a path without a page gives a person the site, and a program the API's answer"(program, { domain }) {
    const route = viewerRequest(program);
    const host = { value: domain ?? "d1.cloudfront.net" };
    const asked = async (uri: string, accept?: string) => {
      const { statusCode, headers, body, origin } = await route({
        uri,
        headers: { host, ...(accept && { accept: { value: accept } }) },
      });
      return origin?.domainName.includes("webassets") ? "site" : { statusCode, type: headers["content-type"], body };
    };
    const problem = problemOf(new TenureError({ tag: "route-not-found" }), (tag) => `/api/problems/${tag}`);
    const refused = {
      statusCode: problem.status,
      type: { value: problem.headers["Content-Type"] },
      body: JSON.stringify(problem.document),
    };
    for (const path of ["/no/such/page", "/apikeys", "/assets"]) {
      expect(await asked(path, "text/html,application/xhtml+xml,*/*;q=0.8"), path).toBe("site");
      for (const accept of ["*/*", "application/json", undefined])
        expect(await asked(path, accept), path).toEqual(refused);
    }
    for (const file of ["/", "/index.html", "/icon.svg", "/assets/any.js"])
      expect(await asked(file), file).toBe("site");
  },

  async "a request says where it comes from, whatever its client says"(program) {
    const route = viewerRequest(program);
    const forged = {
      "x-tenure-edge": { value: "guessed" },
      "x-tenure-client-address": { value: "192.0.2.66" },
      authorization: { value: "Bearer token" },
      "x-api-key": { value: "token" },
      cookie: { value: "__Host-tenure=token" },
      host: { value: "app.example.com" },
    };
    for (const method of ["GET", "POST", "DELETE"]) {
      const { headers } = await route({ uri: "/api/threads", method, headers: forged });
      expect(headers["x-tenure-client-address"]?.value).toBe("203.0.113.9");
      expect(headers["x-tenure-edge"]?.value).toBe(edgeSecretOf(secrets.Pepper));
      expect(headers.authorization?.value).toBe("Bearer token");
      expect(headers["x-api-key"]?.value).toBe("token");
      expect(headers.cookie?.value).toBe("__Host-tenure=token");
    }
  },

  "CloudFront keeps no error"(program) {
    const { customErrorResponses = [] } = only(program, "cloudfront/distribution:Distribution").inputs;
    const minTtls = Object.fromEntries(
      customErrorResponses.map(({ errorCode, errorCachingMinTtl }: Record<string, number>) => [
        errorCode,
        errorCachingMinTtl,
      ]),
    );
    expect(minTtls).toEqual(Object.fromEntries(ERRORS_THAT_CLOUDFRONT_KEEPS.map((status) => [status, 0])));
    for (const one of customErrorResponses) expect(one.responsePagePath).toBe(undefined);
  },

  "the functions of CloudFront have the size that it takes"(program) {
    for (const { name, inputs } of all(program, "cloudfront/function:Function"))
      expect(Buffer.byteLength(inputs.code), name).toBeLessThan(MOST_EDGE_BYTES);
  },

  "the site is at its domain, with a certificate of us-east-1"(program, { domain, isDnsElsewhere = false }) {
    const { aliases, viewerCertificate } = only(program, "cloudfront/distribution:Distribution").inputs;
    expect(aliases).toEqual(domain ? [domain] : []);
    if (domain) expect(viewerCertificate.acmCertificateArn).toMatch(/^arn:aws:acm:us-east-1:/);
    const isMadeHere = domain !== undefined && !isDnsElsewhere;
    expect(all(program, "acm/certificate:Certificate")).toHaveLength(isMadeHere ? 1 : 0);
    const entries = all(program, "route53/record:Record").map(({ inputs }) => `${inputs.type} ${inputs.name}`);
    for (const type of ["A", "AAAA"]) expect(entries.includes(`${type} ${domain}`)).toBe(isMadeHere);
    if (isDnsElsewhere) expect(entries).toEqual([]);
    const { TENURE_ORIGIN } = functionOf(program, "Auth").inputs.environment.variables;
    if (domain) expect(TENURE_ORIGIN).toBe(`https://${domain}`);
  },
};
