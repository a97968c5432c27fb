/** What must hold of what SST would create, by name, so that a change that breaks it can be told to have been seen. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { tableDefinition } from "@tenure/core/dynamo";
import { edgeSecretOf } from "@tenure/functions/lambda/edge";
import { expect } from "vitest";
import { type Program, type Resource, secrets } from "./program.ts";
import { viewerRequest } from "./router.ts";

export interface Stage {
  name: string;
  isProduction: boolean;
  isShared: boolean;
}

type Check = (program: Program, stage: Stage) => void | Promise<void>;

const FUNCTIONS = ["Auth", "Api", "Worker"] as const;

const all = ({ resources }: Program, type: string) => resources.filter((one) => one.type.endsWith(type));
function only(program: Program, type: string, name?: string): Resource {
  const found = all(program, type).filter((one) => name === undefined || one.name === name);
  expect(found, `${type} ${name ?? ""}`).toHaveLength(1);
  return found[0] as Resource;
}
const functionOf = (program: Program, name: string) => only(program, "lambda/function:Function", `${name}Function`);

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string[];
  Condition?: object;
}
const statementsOf = (program: Program, name: string): Statement[] =>
  (only(program, "iam/role:Role", `${name}Role`).inputs.inlinePolicies as { policy: string }[]).flatMap(
    ({ policy }) => (JSON.parse(policy) as { Statement: Statement[] }).Statement,
  );
const actionsOf = (program: Program, name: string) =>
  statementsOf(program, name)
    .flatMap(({ Action }) => Action)
    .toSorted();

const TABLE_ACTIONS = [
  "dynamodb:BatchGetItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
];
const QUEUE_ACTIONS = [
  "sqs:ChangeMessageVisibility",
  "sqs:DeleteMessage",
  "sqs:GetQueueAttributes",
  "sqs:ReceiveMessage",
];
/** Bytes, minified. A quarter more than there was is a library that somebody did not mean to load. */
const MOST_BYTES = { Auth: 600_000, Api: 2_000_000, Worker: 1_900_000 };

export const checks: Record<string, Check> = {
  "the table is the one of core, with its TTL and its index"(program) {
    const { hashKey, rangeKey, ttlAttribute, billingMode, index } = tableDefinition;
    expect(only(program, "dynamodb/table:Table").inputs).toMatchObject({
      hashKey,
      rangeKey,
      billingMode,
      ttl: { attributeName: ttlAttribute, enabled: true },
      globalSecondaryIndexes: [
        { name: index.name, hashKey: index.hashKey, rangeKey: index.rangeKey, projectionType: "ALL" },
      ],
      streamEnabled: false,
      onDemandThroughput: { maxReadRequestUnits: expect.any(Number), maxWriteRequestUnits: expect.any(Number) },
    });
  },

  "what production keeps is protected, and other stages leave nothing"(program, { isProduction, isShared }) {
    const table = only(program, "dynamodb/table:Table");
    expect(table.inputs.deletionProtectionEnabled).toBe(isProduction);
    expect(table.inputs.pointInTimeRecovery).toEqual({ enabled: isShared });
    expect(table.retainOnDelete).toBe(isProduction);
  },

  "a function's role is for Lambda alone"(program) {
    for (const name of FUNCTIONS) {
      const { assumeRolePolicy } = only(program, "iam/role:Role", `${name}Role`).inputs;
      const policy = typeof assumeRolePolicy === "string" ? JSON.parse(assumeRolePolicy) : assumeRolePolicy;
      expect(policy.Statement.map(({ Principal }: { Principal: unknown }) => Principal)).toEqual([
        { Service: "lambda.amazonaws.com" },
      ]);
    }
  },

  "a function may do what it does, and no more"(program) {
    expect(actionsOf(program, "Auth")).toEqual([...TABLE_ACTIONS, "ses:SendEmail"]);
    expect(actionsOf(program, "Api")).toEqual([...TABLE_ACTIONS, "sqs:SendMessage"]);
    expect(actionsOf(program, "Worker")).toEqual([...TABLE_ACTIONS, ...QUEUE_ACTIONS, "sqs:SendMessage"]);
    for (const name of FUNCTIONS)
      for (const { Action, Resource, Condition } of statementsOf(program, name)) {
        if (!Resource.includes("*")) continue;
        expect(Action).toEqual(["ses:SendEmail"]);
        expect(Condition).toEqual({ StringEquals: { "ses:FromAddress": ["login@example.com"] } });
      }
    const table = only(program, "dynamodb/table:Table").inputs.name;
    const onTable = statementsOf(program, "Auth").find(({ Action }) => Action.includes("dynamodb:GetItem"));
    expect(onTable?.Resource.map((arn) => arn.split(":").at(-1))).toEqual([
      `table/${table}`,
      `table/${table}/index/${tableDefinition.index.name}`,
    ]);
    for (const { inputs } of all(program, "iam/role:Role"))
      for (const arn of inputs.managedPolicyArns ?? []) expect(arn).toMatch(/AWSLambdaBasicExecutionRole$/);
  },

  "functions are what they are to be"(program, { isProduction, isShared }) {
    for (const name of FUNCTIONS) {
      const { inputs } = functionOf(program, name);
      expect(inputs).toMatchObject({
        runtime: "nodejs24.x",
        architectures: ["arm64"],
        timeout: name === "Auth" ? 20 : 900,
        loggingConfig: { logFormat: "JSON" },
      });
      expect(inputs.environment.variables.TENURE_ORIGIN).toMatch(/^https:\/\/[^/]+$/);
      expect(JSON.stringify(inputs)).not.toContain(secrets.UpstashRedisRestToken);
    }
    for (const { inputs } of all(program, "cloudwatch/logGroup:LogGroup"))
      expect(inputs.retentionInDays).toBe(isProduction ? 180 : isShared ? 30 : 7);
  },

  "answers are streamed"(program) {
    const urls = all(program, "lambda/functionUrl:FunctionUrl");
    expect(urls.map(({ name }) => name).toSorted()).toEqual(["ApiUrl", "AuthUrl"]);
    for (const { inputs } of urls) {
      expect(inputs.invokeMode).toBe("RESPONSE_STREAM");
      expect(inputs.cors).toBe(undefined);
    }
  },

  "runs go by a FIFO queue that outwaits its worker and puts aside what fails"(program) {
    const queue = only(program, "sqs/queue:Queue", "RunQueueQueue").inputs;
    const worker = functionOf(program, "Worker").inputs;
    expect(queue.fifoQueue).toBe(true);
    expect(queue.visibilityTimeoutSeconds).toBeGreaterThan(worker.timeout);
    const redrive = JSON.parse(queue.redrivePolicy);
    expect(redrive.deadLetterTargetArn).toContain(only(program, "sqs/queue:Queue", "RunDeadLettersQueue").inputs.name);
    const mapping = only(program, "lambda/eventSourceMapping:EventSourceMapping").inputs;
    expect(mapping).toMatchObject({ batchSize: 1, functionResponseTypes: ["ReportBatchItemFailures"] });
    expect(mapping.functionName).toContain(worker.name);
    const schedule = only(program, "scheduler/schedule:Schedule").inputs;
    expect(schedule).toMatchObject({ scheduleExpression: "rate(1 minute)", target: { input: '{"sweep":true}' } });
  },

  async "the site and the API are one origin, and each path leads where it is served"(program) {
    const route = viewerRequest(program);
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

  "whoever is awake is told"(program, { isShared }) {
    const alarms = all(program, "cloudwatch/metricAlarm:MetricAlarm").map(({ name }) => name.replace(/Alarm$/, ""));
    const wanted = [
      ...FUNCTIONS.flatMap((name) => [`${name}Errors`, `${name}Throttles`]),
      ...["AuthSlow", "CodeSpike", "DeadLetters", "DynamoReadThrottles", "DynamoWriteThrottles", "QueueAge"],
    ];
    expect(alarms.toSorted()).toEqual(isShared ? wanted.toSorted() : []);
    expect(all(program, "cloudwatch/dashboard:Dashboard")).toHaveLength(isShared ? 1 : 0);
    const manual = readFileSync("docs/operations.md", "utf8");
    for (const name of alarms) expect(manual).toMatch(new RegExp(`^#+ ${name}$`, "m"));
  },

  "bundles are small, and hold no provider that is not used"(program) {
    for (const name of FUNCTIONS) {
      const bundle = join(program.bundleOf(name), "bundle.mjs");
      expect(statSync(bundle).size, name).toBeLessThan(MOST_BYTES[name]);
      const { sources } = JSON.parse(readFileSync(`${bundle}.map`, "utf8")) as { sources: string[] };
      expect(sources.filter((source) => /@langchain\/(openai|anthropic|google)/.test(source))).toEqual([]);
      if (name === "Auth") expect(sources.filter((source) => /langgraph|@langchain/.test(source))).toEqual([]);
    }
  },
};
