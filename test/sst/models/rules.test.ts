/** Each rule: a resource that keeps to it, and others that do not. */
import { expect, it } from "vitest";
import type { Resource } from "../program.ts";
import { checkRules } from "./rules.ts";
import { translate } from "./translate.ts";

const queue = (name: string, inputs: object = {}): Resource => ({
  type: "aws:sqs/queue:Queue",
  name,
  inputs: { name, ...inputs },
});
const alarm = (inputs: object): Resource => ({
  type: "aws:cloudwatch/metricAlarm:MetricAlarm",
  name: "Alarm",
  inputs: { evaluationPeriods: 1, period: 60, statistic: "Sum", ...inputs },
});
const schedule = (scheduleExpression: string, input = "{}"): Resource => ({
  type: "aws:scheduler/schedule:Schedule",
  name: "Schedule",
  inputs: { name: "Schedule", scheduleExpression, target: { input } },
});
const table = (attributeName: string): Resource => ({
  type: "aws:dynamodb/table:Table",
  name: "Table",
  inputs: {
    name: "Table",
    hashKey: "pk",
    attributes: [{ name: "pk", type: "S" }],
    ttl: { enabled: true, attributeName },
  },
});
const worker: Resource = {
  type: "aws:lambda/function:Function",
  name: "Worker",
  inputs: { name: "Worker", timeout: 900 },
};
const ARN = "arn:aws:sqs:us-east-1:123456789012:";
const mapping = (inputs: object): Resource => ({
  type: "aws:lambda/eventSourceMapping:EventSourceMapping",
  name: "Mapping",
  inputs: { eventSourceArn: `${ARN}runs.fifo`, functionName: "Worker", batchSize: 1, ...inputs },
});
const runs = queue("runs.fifo", { fifoQueue: true, visibilityTimeoutSeconds: 900 });
const role = (statements: number): Resource => ({
  type: "aws:iam/role:Role",
  name: "Role",
  inputs: {
    name: "Role",
    assumeRolePolicy: "{}",
    inlinePolicies: [{ name: "inline", policy: JSON.stringify(Array(statements).fill("x".repeat(1000))) }],
  },
});
const redrive = (arn: string) => ({ redrivePolicy: JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: 5 }) });

const cases: [what: string, resources: Resource[], texts: string[]][] = [
  ["rates", [schedule("rate(1 minute)"), schedule("rate(12 hours)")], []],
  ["a cron", [schedule("cron(0 12 ? * MON-FRI *)"), schedule("at(2026-11-26T12:00:00)")], []],
  ["no rate", [schedule("rate(0 minutes)")], ["rate(0 minutes) is no schedule"]],
  ["seconds", [schedule("rate(30 seconds)")], ["rate(30 seconds) is no schedule"]],
  ["five fields", [schedule("cron(0 12 * * ?)")], ["cron(0 12 * * ?) is no schedule"]],
  ["two days", [schedule("cron(0 12 * * * *)")], ["cron(0 12 * * * *) is no schedule"]],
  ["an input", [schedule("rate(1 minute)", "{sweep}")], ["the target's input is no JSON"]],
  [
    "alarms",
    [alarm({ period: 10 }), alarm({ period: 3600, evaluationPeriods: 24 }), alarm({ evaluationPeriods: 1440 })],
    [],
  ],
  ["an alarm of two days", [alarm({ evaluationPeriods: 2880 })], ["2880 periods of 60 s are too long"]],
  [
    "two statistics",
    [alarm({ extendedStatistic: "p99" })],
    ["an alarm has one of statistic, extendedStatistic and metricQueries"],
  ],
  ["TTL", [table("expiresAt")], []],
  ["TTL on a key", [table("pk")], ["TTL on an attribute of a key"]],
  ["TTL on a long name", [table("x".repeat(256))], ["TTL on an attribute without a name"]],
  ["a queue and its worker", [runs, worker, mapping({ batchSize: 10 })], []],
  [
    "a window",
    [runs, worker, mapping({ maximumBatchingWindowInSeconds: 1 })],
    ["a FIFO queue takes no batching window"],
  ],
  [
    "dead letters",
    [queue("dead.fifo", { fifoQueue: true }), queue("live.fifo", { fifoQueue: true, ...redrive(`${ARN}dead.fifo`) })],
    [],
  ],
  [
    "dead letters of the other kind",
    [queue("dead"), queue("live.fifo", { fifoQueue: true, ...redrive(`${ARN}dead`) })],
    ["its dead letters go to a queue of the other kind"],
  ],
  ["a queue of nobody", [queue("live", redrive(`${ARN}dead`))], [`${ARN}dead is nothing that the program creates`]],
  ["rights", [role(10)], []],
  ["too many rights", [role(11)], ["inline policies: 11034 of 10240 characters"]],
  [
    "a dashboard",
    [{ type: "aws:cloudwatch/dashboard:Dashboard", name: "Dashboard", inputs: { dashboardBody: "{" } }],
    ["the body is no JSON"],
  ],
];

it.each(cases)("of %s", (_what, resources, texts) => {
  const [found = []] = checkRules([translate(resources)]);
  expect(found.map(({ text }) => text)).toEqual(texts);
});
