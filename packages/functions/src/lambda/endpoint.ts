/**
 * Where a function's requests to DynamoDB go, as AWS' SDKs read it from the environment: an endpoint that is named, or the region's own, by
 * its FIPS and dual-stack variants where they are asked for. test/conformance/dynamo-endpoints compares it with what the SDK itself answers.
 */
import { TenureError } from "@tenure/core/errors";

/** Domains of a partition of AWS: the usual one, and that of dual-stack endpoints. Source: https://docs.aws.amazon.com/general/latest/gr/ddb.html */
const PARTITIONS: readonly [region: RegExp, plain: string, dualStack: string][] = [
  [/^cn-/, "amazonaws.com.cn", "api.amazonwebservices.com.cn"],
  [/^(?:us|eu|ap|sa|ca|me|af|il|mx)-(?:gov-)?(?:[a-z]+)-\d+$/, "amazonaws.com", "api.aws"],
];

/** Throws `misconfigured` for a value that the SDK does not take either, and for a region of a partition that is not known here. */
export function dynamoEndpoint(env: Record<string, string | undefined>, region: string): string {
  const [isFips, isDualStack] = [isSet(env, "AWS_USE_FIPS_ENDPOINT"), isSet(env, "AWS_USE_DUALSTACK_ENDPOINT")];
  const given = env.AWS_ENDPOINT_URL_DYNAMODB ?? env.AWS_ENDPOINT_URL;
  if (given !== undefined) return given;
  const found = PARTITIONS.find(([pattern]) => pattern.test(region));
  if (!found) throw misconfigured(`the endpoint of ${region} is not known: name it in AWS_ENDPOINT_URL_DYNAMODB`);
  const [, plain, dualStack] = found;
  // In GovCloud the usual endpoint is the one for FIPS.
  const isOwnName = isFips && !(region.startsWith("us-gov-") && !isDualStack);
  return `https://dynamodb${isOwnName ? "-fips" : ""}.${region}.${isDualStack ? dualStack : plain}`;
}

function isSet(env: Record<string, string | undefined>, name: string): boolean {
  const value = env[name];
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw misconfigured(`${name} must be true or false`);
}

const misconfigured = (problem: string) => new TenureError({ tag: "misconfigured", problems: [problem] });
