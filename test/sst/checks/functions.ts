/** Checks of the functions: rights, secrets, sizes and the queue. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { tableDefinition } from "@tenure/core/dynamo";
import { expect } from "vitest";
import type { Program } from "../program.ts";
import { all, type Checks, FUNCTIONS, functionOf, only, type Stage } from "./stage.ts";

/** Where login codes come from. */
const senderOf = ({ identity }: Stage) => (identity.includes("@") ? identity : `login@${identity}`);

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

export const functionChecks: Checks = {
  "a function's role is for Lambda alone"(program) {
    for (const name of FUNCTIONS) {
      const { assumeRolePolicy } = only(program, "iam/role:Role", `${name}Role`).inputs;
      const policy = typeof assumeRolePolicy === "string" ? JSON.parse(assumeRolePolicy) : assumeRolePolicy;
      expect(policy.Statement.map(({ Principal }: { Principal: unknown }) => Principal)).toEqual([
        { Service: "lambda.amazonaws.com" },
      ]);
    }
  },

  "a function may do what it does, and no more"(program, stage) {
    expect(actionsOf(program, "Auth")).toEqual([...TABLE_ACTIONS, "ses:SendEmail"]);
    expect(actionsOf(program, "Api")).toEqual([...TABLE_ACTIONS, "sqs:SendMessage"]);
    expect(actionsOf(program, "Worker")).toEqual([...TABLE_ACTIONS, ...QUEUE_ACTIONS, "sqs:SendMessage"]);
    for (const name of FUNCTIONS)
      for (const { Action, Resource, Condition } of statementsOf(program, name)) {
        if (!Resource.includes("*")) continue;
        expect(Action).toEqual(["ses:SendEmail"]);
        expect(Condition).toEqual({ StringEquals: { "ses:FromAddress": [senderOf(stage)] } });
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
    }
    for (const { inputs } of all(program, "cloudwatch/logGroup:LogGroup"))
      expect(inputs.retentionInDays).toBe(isProduction ? 180 : isShared ? 30 : 7);
  },

  "no secret is in plain sight"(program, stage) {
    expect(stage.secrets.length).toBeGreaterThan(0);
    for (const name of FUNCTIONS)
      for (const secret of stage.secrets)
        expect(JSON.stringify(functionOf(program, name).inputs)).not.toContain(secret);
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
    const deadLetters = only(program, "sqs/queue:Queue", "RunDeadLettersQueue").inputs;
    expect(redrive.deadLetterTargetArn).toContain(deadLetters.name);
    expect(redrive.maxReceiveCount).toBe(5);
    expect(deadLetters.messageRetentionSeconds).toBe(14 * 24 * 60 * 60);
    const mapping = only(program, "lambda/eventSourceMapping:EventSourceMapping").inputs;
    expect(mapping).toMatchObject({
      batchSize: 1,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: 5 },
    });
    expect(mapping.functionName).toContain(worker.name);
    const schedule = only(program, "scheduler/schedule:Schedule").inputs;
    // Sweeps are told apart by the time for which each was meant.
    const input = '{"sweep":"<aws.scheduler.scheduled-time>"}';
    expect(schedule).toMatchObject({ scheduleExpression: "rate(1 minute)", target: { input } });
  },

  "bundles are small, and hold no provider that is not used"(program, { provider }) {
    for (const name of FUNCTIONS) {
      const bundle = join(program.bundleOf(name), "bundle.mjs");
      if (!provider) expect(statSync(bundle).size, name).toBeLessThan(MOST_BYTES[name]);
      const { sources } = JSON.parse(readFileSync(`${bundle}.map`, "utf8")) as { sources: string[] };
      const providers = sources.flatMap((source) => /@langchain\/(openai|anthropic|google)/.exec(source)?.[1] ?? []);
      expect([...new Set(providers)]).toEqual(provider && name !== "Auth" ? [provider] : []);
      if (name === "Auth") expect(sources.filter((source) => /langgraph|@langchain/.test(source))).toEqual([]);
    }
  },
};
