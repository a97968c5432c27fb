/** The alarms that wake somebody up, and the dashboard to look at then. docs/operations.md says what to do about each alarm. */
import { api, auth } from "./api";
import { METRIC_NAMESPACE, type Metric, tableDefinition } from "./parts";
import { deadLetters, queue, worker } from "./queue";
import { setting } from "./setting";
import { isProduction, isShared } from "./stage";
import { table } from "./storage";

const functions = { Auth: auth, Api: api, Worker: worker };
type Name = keyof typeof functions;
const all: Name[] = ["Auth", "Api", "Worker"];
/** Functions that serve requests, and functions that run graphs. */
const serving: Name[] = ["Auth", "Api"];
const running: Name[] = ["Api", "Worker"];

const MINUTE = 60;
const HOUR = 60 * MINUTE;

interface Watched {
  description: string;
  namespace: string;
  metricName: string;
  /** Left out for metrics of the whole account. */
  dimensions?: Record<string, $util.Input<string>> | undefined;
  threshold: number;
  statistic?: string | undefined;
  extendedStatistic?: string | undefined;
  period?: number | undefined;
  /** The number of periods looked at, and of those that have to be over the threshold: all of them when left out. */
  periods?: number | undefined;
  bad?: number | undefined;
}

/** Dimensions of the metrics that a function of this stage counts: other stages count the same under their own name. */
const ours = (name: Name) => ({ service: name.toLowerCase(), stage: $app.stage });

if (isShared) {
  const email = setting("TENURE_ALARM_EMAIL");
  const topic = new aws.sns.Topic("Alarms");
  if (email) new aws.sns.TopicSubscription("AlarmMail", { topic: topic.arn, protocol: "email", endpoint: email });

  const alarm = (
    name: string,
    { description, period = 5 * MINUTE, periods = 1, bad = periods, statistic, ...watched }: Watched,
  ) =>
    new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
      alarmDescription: `${description} See docs/operations.md#${name.toLowerCase()}.`,
      comparisonOperator: "GreaterThanThreshold",
      evaluationPeriods: periods,
      datapointsToAlarm: bad,
      period,
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      ...(!watched.extendedStatistic && { statistic: statistic ?? "Sum" }),
      ...watched,
    });

  for (const name of all) {
    const of = { namespace: "AWS/Lambda", dimensions: { FunctionName: functions[name].name } };
    alarm(`${name}Errors`, {
      ...of,
      description: `${name} fails.`,
      metricName: "Errors",
      threshold: isProduction ? 2 : 10,
    });
    // A single call that is throttled is sent again and needs nobody; a shortage lasts.
    alarm(`${name}Throttles`, {
      ...of,
      description: `${name} is throttled.`,
      metricName: "Throttles",
      threshold: 5,
      periods: 3,
      bad: 2,
    });
    // A store that refuses for good does so until somebody mends it.
    alarm(`${name}StoreRefusals`, {
      description: `A store refuses ${name} for good: a token, a right or a table is wrong.`,
      namespace: METRIC_NAMESPACE,
      metricName: "StoreRefusals" satisfies Metric,
      dimensions: ours(name),
      threshold: 0,
    });
  }
  alarm("AuthMailRefusals", {
    description: "The mail service refuses Auth for good: its sandbox, its sender or a right.",
    namespace: METRIC_NAMESPACE,
    metricName: "MailRefusals" satisfies Metric,
    dimensions: ours("Auth"),
    threshold: 0,
  });
  // An answer of 503 is an invocation that has succeeded, and no error to Lambda.
  for (const name of serving)
    alarm(`${name}Faults`, {
      description: `${name} answers 5xx.`,
      namespace: "AWS/Lambda",
      metricName: "Url5xxCount",
      dimensions: { FunctionName: functions[name].name },
      threshold: isProduction ? 2 : 10,
    });
  alarm("AuthSlow", {
    description: "Logins are slow.",
    namespace: "AWS/Lambda",
    metricName: "Duration",
    dimensions: { FunctionName: auth.name },
    extendedStatistic: "p99",
    threshold: 3000,
    periods: 3,
  });
  alarm("DeadLetters", {
    description: "A run could not be begun.",
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: deadLetters.nodes.queue.name },
    statistic: "Maximum",
    threshold: 0,
  });
  alarm("QueueAge", {
    description: "Runs wait long.",
    namespace: "AWS/SQS",
    metricName: "ApproximateAgeOfOldestMessage",
    dimensions: { QueueName: queue.nodes.queue.name },
    statistic: "Maximum",
    // The message of a worker that has died is there for twenty.
    threshold: 30 * MINUTE,
  });
  // An index has a ceiling and throttles of its own, which do not count as the table's.
  const throttled = {
    Dynamo: { TableName: table.name },
    Index: { TableName: table.name, GlobalSecondaryIndexName: tableDefinition.index.name },
  };
  for (const [name, dimensions] of Object.entries(throttled))
    for (const metricName of ["ReadThrottleEvents", "WriteThrottleEvents"])
      alarm(`${name}${metricName.replace("Events", "s")}`, {
        description: `DynamoDB throttles the ${name === "Index" ? "index" : "table"}.`,
        namespace: "AWS/DynamoDB",
        metricName,
        dimensions,
        threshold: 10,
      });
  alarm("CodeSpike", {
    description: "Far more login codes are asked for than usual.",
    namespace: METRIC_NAMESPACE,
    metricName: "CodeRequests" satisfies Metric,
    dimensions: ours("Auth"),
    threshold: isProduction ? 500 : 100,
  });
  // The whole account's: SES judges it as one, and so does AWS when it takes sending away.
  for (const [name, threshold] of [
    ["Bounce", 0.05],
    ["Complaint", 0.001],
  ] as const)
    alarm(`${name}Rate`, {
      description: `SES is about to stop sending: too high a ${name.toLowerCase()} rate.`,
      namespace: "AWS/SES",
      metricName: `Reputation.${name}Rate`,
      statistic: "Maximum",
      threshold,
      period: HOUR,
    });

  const graph = (title: string, metrics: unknown[][], stat = "Sum") => ({
    type: "metric",
    width: 12,
    height: 6,
    properties: { title, metrics, stat, region: aws.getRegionOutput().region, period: 5 * MINUTE },
  });
  const counted = (metric: Metric, of = all) =>
    of.map((name) => [METRIC_NAMESPACE, metric, ...Object.entries(ours(name)).flat()]);
  const lambda = (metric: string, of = all) =>
    of.map((name) => ["AWS/Lambda", metric, "FunctionName", functions[name].name]);
  new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: `${$app.name}-${$app.stage}`,
    dashboardBody: $jsonStringify({
      widgets: [
        graph("Invocations", lambda("Invocations")),
        graph("Errors, and answers of 5xx", [...lambda("Errors"), ...lambda("Url5xxCount", serving)]),
        graph("Duration, p99", lambda("Duration"), "p99"),
        graph("Executions at once", lambda("ConcurrentExecutions"), "Maximum"),
        graph("Refusals and faults", [
          ...counted("Refusals", serving),
          ...counted("Faults", serving),
          ...counted("StoreRefusals"),
          ...counted("MailRefusals", ["Auth"]),
        ]),
        graph("Sessions and codes", [...counted("SessionVerbs", serving), ...counted("CodeRequests", ["Auth"])]),
        graph("Runs, supersteps, takeovers", [
          ...counted("Runs", running),
          ...counted("Supersteps", running),
          ...counted("LeaseTakeovers", running),
        ]),
        graph("DynamoDB units and retries", [
          ...counted("DynamoWriteUnits"),
          ...counted("DynamoReadUnits"),
          ...counted("DynamoRetries"),
        ]),
        graph("Runs that wait", [
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.nodes.queue.name],
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", deadLetters.nodes.queue.name],
        ]),
      ],
    }),
  });
}
