/** Lambda, EventBridge Scheduler and IAM. */
import { call, capitalised, defined, parsed, type Translate, tagList, text } from "./meaning.ts";

/** The provider's value for "no reservation", with which it asks for nothing. */
const NOT_RESERVED = -1;

export const compute: Record<string, Translate> = {
  "aws:lambda/function:Function"({ name, s3Bucket, s3Key, environment, reservedConcurrentExecutions, tags, ...rest }) {
    const { publish, ...both } = rest;
    const isReserved = reservedConcurrentExecutions !== undefined && reservedConcurrentExecutions !== NOT_RESERVED;
    const shared = defined({
      FunctionName: name,
      Code: { S3Bucket: s3Bucket, S3Key: s3Key },
      Environment: environment && { Variables: environment.variables },
      ...capitalised(both),
    });
    return {
      calls: [
        call("lambda", "CreateFunction", defined({ ...shared, Publish: publish, Tags: tags })),
        ...(isReserved
          ? [
              call("lambda", "PutFunctionConcurrency", {
                FunctionName: name,
                ReservedConcurrentExecutions: reservedConcurrentExecutions,
              }),
            ]
          : []),
      ],
      cloudFormation: {
        type: "AWS::Lambda::Function",
        properties: defined({
          ...shared,
          Tags: tagList(tags),
          ...(isReserved && { ReservedConcurrentExecutions: reservedConcurrentExecutions }),
        }),
      },
    };
  },

  "aws:lambda/functionUrl:FunctionUrl"({ functionName, authorizationType, ...rest }) {
    const shared = { AuthType: authorizationType, ...capitalised(rest) };
    return {
      calls: [call("lambda", "CreateFunctionUrlConfig", { FunctionName: functionName, ...shared })],
      cloudFormation: { type: "AWS::Lambda::Url", properties: { TargetFunctionArn: functionName, ...shared } },
    };
  },

  "aws:lambda/permission:Permission"({ function: FunctionName, statementId, ...rest }, name) {
    const shared = { FunctionName, ...capitalised(rest) };
    return {
      calls: [call("lambda", "AddPermission", { StatementId: statementId ?? name, ...shared })],
      cloudFormation: { type: "AWS::Lambda::Permission", properties: shared },
    };
  },

  "aws:lambda/eventSourceMapping:EventSourceMapping"({ tags, ...rest }) {
    const shared = capitalised(rest);
    return {
      calls: [call("lambda", "CreateEventSourceMapping", defined({ ...shared, Tags: tags }))],
      cloudFormation: {
        type: "AWS::Lambda::EventSourceMapping",
        properties: defined({ ...shared, Tags: tagList(tags) }),
      },
    };
  },

  "aws:scheduler/schedule:Schedule"(inputs) {
    const shared = capitalised(inputs);
    return {
      calls: [call("scheduler", "CreateSchedule", shared)],
      cloudFormation: { type: "AWS::Scheduler::Schedule", properties: shared },
    };
  },

  "aws:iam/role:Role"({ name, assumeRolePolicy, inlinePolicies = [], managedPolicyArns = [], tags, ...rest }, logical) {
    const RoleName: string = name ?? logical;
    const shared = defined({ RoleName, Tags: tagList(tags), ...capitalised(rest) });
    const inline = inlinePolicies as { name: string; policy: unknown }[];
    return {
      calls: [
        call("iam", "CreateRole", { ...shared, AssumeRolePolicyDocument: text(assumeRolePolicy) }),
        ...inline.map(({ name, policy }) =>
          call("iam", "PutRolePolicy", { RoleName, PolicyName: name, PolicyDocument: text(policy) }),
        ),
        ...(managedPolicyArns as string[]).map((PolicyArn) => call("iam", "AttachRolePolicy", { RoleName, PolicyArn })),
      ],
      cloudFormation: {
        type: "AWS::IAM::Role",
        properties: {
          ...shared,
          AssumeRolePolicyDocument: parsed(assumeRolePolicy),
          Policies: inline.map(({ name, policy }) => ({ PolicyName: name, PolicyDocument: parsed(policy) })),
          ManagedPolicyArns: managedPolicyArns,
        },
      },
      policies: [
        { kind: "trust", document: parsed(assumeRolePolicy) },
        ...inline.map(({ policy }) => ({ kind: "identity" as const, document: parsed(policy) })),
      ],
    };
  },
};
