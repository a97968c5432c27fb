/**
 * The metrics that are really there: those of AWS' services that the program watches, and those that our functions count. An alarm
 * on any other, or with other dimensions, is never told anything and never rings.
 */
import type { Program } from "./program.ts";

export interface Metric {
  namespace: string;
  metricName: string;
  dimensions?: Record<string, string>;
}

interface Emitted {
  source: string;
  /** Each set of dimensions under which the metrics are there. */
  dimensions: string[][];
  metrics: string[];
}

/** By namespace. A service can have further metrics and dimensions. */
const emitted: Record<string, Emitted[]> = {
  "AWS/Lambda": [
    {
      source: "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
      dimensions: [["FunctionName"], ["FunctionName", "Resource"]],
      metrics: ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "AsyncEventsDropped"],
    },
    {
      source: "https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html",
      dimensions: [["FunctionName"], ["FunctionName", "Resource"]],
      metrics: ["UrlRequestCount", "Url4xxCount", "Url5xxCount", "UrlRequestLatency"],
    },
  ],
  "AWS/SQS": [
    {
      source:
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html",
      dimensions: [["QueueName"]],
      metrics: [
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "NumberOfMessagesSent",
      ],
    },
  ],
  "AWS/DynamoDB": [
    {
      source: "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html",
      dimensions: [["TableName"], ["GlobalSecondaryIndexName", "TableName"]],
      metrics: ["ReadThrottleEvents", "WriteThrottleEvents", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"],
    },
  ],
  "AWS/SES": [
    {
      source: "https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html",
      dimensions: [[]],
      metrics: ["Reputation.BounceRate", "Reputation.ComplaintRate"],
    },
  ],
};

/** The metrics of packages/functions/src/http/operator/metrics.ts, by function. A metric is there once something was counted. */
const counted: Record<string, string[]> = {
  auth: [
    ...["SessionVerbs", "CodeRequests", "Refusals", "Faults", "StoreRefusals", "MailRefusals"],
    ...["DynamoWriteUnits", "DynamoReadUnits", "DynamoRetries"],
  ],
  api: [
    ...["SessionVerbs", "Refusals", "Faults", "StoreRefusals", "Runs", "LeaseTakeovers", "Supersteps"],
    ...["DynamoWriteUnits", "DynamoReadUnits", "DynamoRetries"],
  ],
  worker: [
    ...["StoreRefusals", "Runs", "LeaseTakeovers", "Supersteps"],
    ...["DynamoWriteUnits", "DynamoReadUnits", "DynamoRetries"],
  ],
};

/** The number of metrics that CloudWatch charges a stage for: each name with each set of dimensions. */
export const COUNTED = Object.values(counted).flat().length;

/** Names of the program's resources that have metrics, by dimension. */
export function namesIn({ resources }: Program): Record<string, string[]> {
  const namesOf = (type: string) => resources.filter((one) => one.type.endsWith(type)).map(({ inputs }) => inputs.name);
  return {
    FunctionName: namesOf("lambda/function:Function"),
    QueueName: namesOf("sqs/queue:Queue"),
    TableName: namesOf("dynamodb/table:Table"),
    GlobalSecondaryIndexName: resources
      .filter(({ type }) => type.endsWith("dynamodb/table:Table"))
      .flatMap(({ inputs }) => inputs.globalSecondaryIndexes.map(({ name }: { name: string }) => name)),
  };
}

/** Lists what is wrong with a metric that is watched; nothing when somebody emits it. */
export function strange(metric: Metric, stage: string, named: Record<string, string[]>): string[] {
  const { namespace, metricName, dimensions = {} } = metric;
  const said = `${namespace} ${metricName} of ${JSON.stringify(dimensions)}`;
  const keys = Object.keys(dimensions).toSorted().join();
  if (namespace === "Tenure") {
    if (keys !== "service,stage") return [`${said}: the dimensions are service and stage`];
    if (dimensions.stage !== stage) return [`${said}: the stage is ${stage}`];
    return counted[dimensions.service ?? ""]?.includes(metricName) ? [] : [`${said}: is not counted there`];
  }
  const found = emitted[namespace]?.find(({ metrics }) => metrics.includes(metricName));
  if (!found) return [`${said}: there is no such metric`];
  if (!found.dimensions.some((set) => set.join() === keys)) return [`${said}: has other dimensions, ${found.source}`];
  return Object.entries(dimensions)
    .filter(([key, value]) => named[key] && !named[key].includes(value))
    .map(([key, value]) => `${said}: the program has no ${key} ${value}`);
}
