/** A function takes the endpoints of DynamoDB that the SDK takes, by the same variables of AWS. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";
import { dynamoEndpoint } from "../../packages/functions/src/lambda/endpoint.ts";

const REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2", "il-central-1", "mx-central-1"];
const OTHERS = ["cn-north-1", "us-gov-west-1", "us-gov-east-1"];

it.each([...REGIONS, ...OTHERS])("is the SDK's own in %s, with each variant", (region) => {
  const { endpointProvider } = new DynamoDBClient({ region }).config;
  for (const UseFIPS of [false, true])
    for (const UseDualStack of [false, true]) {
      const env = { AWS_USE_FIPS_ENDPOINT: String(UseFIPS), AWS_USE_DUALSTACK_ENDPOINT: String(UseDualStack) };
      const { url } = endpointProvider({ Region: region, UseFIPS, UseDualStack });
      expect(dynamoEndpoint(env, region)).toBe(url.origin);
    }
});

it("is the one that is named, and refuses what it does not know by its name", () => {
  const env = { AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:8000", AWS_USE_FIPS_ENDPOINT: "true" };
  expect(dynamoEndpoint(env, "us-east-1")).toBe("http://127.0.0.1:8000");
  const refused = (of: Record<string, string>, region: string) => () => dynamoEndpoint(of, region);
  expect(refused({ AWS_USE_FIPS_ENDPOINT: "yes" }, "us-east-1")).toThrow("AWS_USE_FIPS_ENDPOINT must be true or false");
  expect(refused({}, "us-iso-east-1")).toThrow("AWS_ENDPOINT_URL_DYNAMODB");
});
