/** The site's own domain: its DNS is in Route 53, or elsewhere, with a certificate that is already validated. */
import { setting } from "./setting";
import { isProduction, isShared } from "./stage";

/** `TENURE_DOMAIN=app.example.com`: production is there, staging at staging.app.example.com. */
export const productionDomain = setting("TENURE_DOMAIN");
export const domain =
  productionDomain && isShared ? (isProduction ? productionDomain : `${$app.stage}.${productionDomain}`) : undefined;

const cert = setting("TENURE_DOMAIN_CERT");
if (cert && !productionDomain)
  throw new Error("TENURE_DOMAIN_CERT is set and TENURE_DOMAIN is not: set the domain that the certificate is for.");
const arn = cert && /^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate\/[\w-]+$/.exec(cert);
if (cert && !arn)
  throw new Error(
    `TENURE_DOMAIN_CERT=${cert}: use the ARN of a certificate, arn:aws:acm:us-east-1:<account>:certificate/<id>.`,
  );
if (arn && arn[1] !== "us-east-1")
  throw new Error(
    `TENURE_DOMAIN_CERT is of ${arn[1]}: CloudFront takes certificates of us-east-1 only. Make one there, for the same domain.`,
  );

/** True when the domain's entries are made by hand, where its DNS is: SST then makes none. */
export const isDnsElsewhere = cert !== undefined;

/** The domain in the form that SST's router takes. */
export const siteDomain = domain && cert ? { name: domain, dns: false as const, cert } : domain;
