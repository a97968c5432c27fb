/** Findings that stay, each with the reason: all are in what SST's components make, and our program has no say in them. */
import type { Finding } from "./translate.ts";

export interface Accepted extends Pick<Finding, "check"> {
  resource: RegExp;
  text: RegExp;
  why: string;
}

const ROLE_IN_DEV = /^(Auth|Api|Worker)Role$/;

export const accepted: Accepted[] = [
  {
    check: "iam",
    resource: /^WebAssetsPolicy$/,
    text: /^cloudfront\.amazonaws\.com is allowed on behalf of any account$/,
    why: "SST's bucket for CloudFront names no distribution. It holds the site, which everybody may read.",
  },
  {
    check: "iam",
    resource: ROLE_IN_DEV,
    text: /:root is trusted, which is a whole account$/,
    why: "`sst dev` runs functions on one's own machine, which takes on their roles. Deployed roles trust Lambda alone.",
  },
  {
    check: "iam",
    resource: ROLE_IN_DEV,
    text: /^(appsync|s3):\* grants by a wildcard$/,
    why: "`sst dev` gives functions these to reach the machine by AppSync. Deployed roles have neither.",
  },
];

/** The reason for which a finding stays. */
export const acceptedBy = ({ check, resource, text }: Finding): Accepted | undefined =>
  accepted.find((one) => one.check === check && one.resource.test(resource) && one.text.test(text));
