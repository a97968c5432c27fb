/** The reading of policies: each statement, and what is said of it. */
import { describe, expect, it } from "vitest";
import { awsModels } from "../../support/stores/found.ts";
import { checkPolicies } from "./policies.ts";
import type { Policy } from "./translations/meaning.ts";

const TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/threads";
const BUCKET = "arn:aws:s3:::site";

const identity = (statement: object): Policy => ({
  kind: "identity",
  document: {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["dynamodb:Query"], Resource: [TABLE], ...statement }],
  },
});
const trust = (Principal: unknown): Policy => ({
  kind: "trust",
  document: { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "sts:AssumeRole", Principal } },
});
const onBucket = (statement: object): Policy => ({
  kind: "resource",
  of: BUCKET,
  document: {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `${BUCKET}/*`, ...statement }],
  },
});
const ofAccount = { StringEquals: { "AWS:SourceAccount": "123456789012" } };

const cases: [what: string, policy: Policy, texts: string[]][] = [
  ["a table and its index", identity({ Resource: [TABLE, `${TABLE}/index/index`] }), []],
  ["a condition of any service", identity({ Condition: { Bool: { "aws:SecureTransport": "true" } } }), []],
  ["a tag's condition", onBucket({ Condition: { StringLikeIfExists: { "s3:ExistingObjectTag/public": "yes" } } }), []],
  ["a denial of everything", onBucket({ Effect: "Deny", Action: "s3:*", Resource: [BUCKET, `${BUCKET}/*`] }), []],
  ["a service of this account", onBucket({ Principal: { Service: "ses.amazonaws.com" }, Condition: ofAccount }), []],
  ["Lambda's trust", trust({ Service: ["lambda.amazonaws.com"] }), []],

  [
    "an old language",
    { kind: "identity", document: { Version: "2008-10-17", Statement: [] } },
    ["Version 2008-10-17 is not 2012-10-17", "there is no statement"],
  ],
  ["an effect", identity({ Effect: "allow" }), ["Effect allow is neither Allow nor Deny"]],
  [
    "everything but",
    identity({ Action: undefined, NotAction: "iam:*" }),
    ["a statement with NotAction", `none of the actions applies to ${TABLE}`],
  ],
  ["any action", identity({ Action: "*" }), ["* grants by a wildcard"]],
  ["a service's every action", identity({ Action: ["dynamodb:*"] }), ["dynamodb:* grants by a wildcard"]],
  ["no such service", identity({ Action: "dynamo:Query" }), ["dynamo:Query is no action"]],
  ["no such action", identity({ Action: "dynamodb:Querry" }), ["dynamodb:Querry is no action"]],
  [
    "an action that a resource does not have",
    identity({ Resource: [TABLE, "arn:aws:sqs:us-east-1:123456789012:runs"] }),
    ["none of the actions applies to arn:aws:sqs:us-east-1:123456789012:runs"],
  ],
  [
    "an action without resources",
    identity({ Action: "dynamodb:ListTables" }),
    ["dynamodb:ListTables takes no resource but *", `none of the actions applies to ${TABLE}`],
  ],
  ["every table", identity({ Resource: "*" }), ["dynamodb:Query is granted on every resource"]],
  [
    "another action's key",
    identity({ Condition: { StringEquals: { "sqs:MessageGroupId": "x" } } }),
    ["dynamodb:Query has no condition key sqs:MessageGroupId", "sqs:MessageGroupId is no condition key"],
  ],
  [
    "an operator",
    identity({ Condition: { StringEqual: { "aws:SourceAccount": "1" } } }),
    ["StringEqual is no operator"],
  ],
  [
    "a principal where there is none",
    identity({ Principal: "*", Condition: ofAccount }),
    ["a statement with Principal, for identity"],
  ],
  ["no principal", onBucket({ Principal: undefined }), ["a statement without Principal, for resource"]],
  ["everybody", onBucket({}), ["everybody is allowed"]],
  [
    "any account's service",
    onBucket({ Principal: { Service: "ses.amazonaws.com" } }),
    ["ses.amazonaws.com is allowed on behalf of any account"],
  ],
  [
    "a bucket that begins alike",
    onBucket({ Resource: `${BUCKET}-of-others/*`, Condition: ofAccount }),
    [`${BUCKET}-of-others/* is not the resource that the policy is attached to, ${BUCKET}`],
  ],
  [
    "an account's trust",
    trust({ AWS: "arn:aws:iam::123456789012:root" }),
    ["arn:aws:iam::123456789012:root is trusted, which is a whole account"],
  ],
  [
    "a kind of principal",
    trust({ Services: "lambda.amazonaws.com" }),
    ["Principal Services is none of AWS, Service and Federated"],
  ],
];

describe.skipIf(!awsModels)("of a policy", () => {
  it.each(cases)("reads %s", async (_what, policy, texts) => {
    const resource = { type: "", name: "one", inputs: {}, meaning: { calls: [], policies: [policy] } };
    const [found = []] = await checkPolicies([{ resources: [resource], findings: [] }]);
    expect(found.map(({ text }) => text)).toEqual(texts);
  });
});
