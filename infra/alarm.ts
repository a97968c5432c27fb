/** What wakes somebody up, and what they then look at. docs/operations.md says what to do about each. */
import { api, auth } from "./api";
import { deadLetters, queue, worker } from "./queue";
import { isProduction, isShared } from "./stage";
import { table } from "./storage";

const functions = { Auth: auth, Api: api, Worker: worker };
const MINUTE = 60;

interface Watched {
  description: string;
  namespace: string;
  metricName: string;
  dimensions: Record<string, $util.Input<string>>;
  threshold: number;
  statistic?: string;
  extendedStatistic?: string;
  period?: number;
  periods?: number;
}

if (isShared) {
  const email = process.env.TENURE_ALARM_EMAIL;
  const topic = new aws.sns.Topic("Alarms");
  if (email) new aws.sns.TopicSubscription("AlarmMail", { topic: topic.arn, protocol: "email", endpoint: email });

  const alarm = (name: string, { description, period = 5 * MINUTE, periods = 1, statistic, ...watched }: Watched) =>
    new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
      alarmDescription: `${description} See docs/operations.md#${name.toLowerCase()}.`,
      comparisonOperator: "GreaterThanThreshold",
      evaluationPeriods: periods,
      period,
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      ...(!watched.extendedStatistic && { statistic: statistic ?? "Sum" }),
      ...watched,
    });

  for (const [name, { name: FunctionName }] of Object.entries(functions)) {
    const of = { namespace: "AWS/Lambda", dimensions: { FunctionName } };
    alarm(`${name}Errors`, {
      ...of,
      description: `${name} fails.`,
      metricName: "Errors",
      threshold: isProduction ? 2 : 10,
    });
    alarm(`${name}Throttles`, { ...of, description: `${name} is throttled.`, metricName: "Throttles", threshold: 0 });
  }
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
    threshold: 20 * MINUTE,
  });
  for (const metricName of ["ReadThrottleEvents", "WriteThrottleEvents"])
    alarm(`Dynamo${metricName.replace("Events", "s")}`, {
      description: "DynamoDB throttles the table.",
      namespace: "AWS/DynamoDB",
      metricName,
      dimensions: { TableName: table.name },
      threshold: 10,
    });
  alarm("CodeSpike", {
    description: "Far more login codes are asked for than usual.",
    namespace: "Tenure",
    metricName: "CodeRequests",
    dimensions: { service: "auth" },
    threshold: isProduction ? 500 : 100,
  });

  const graph = (title: string, metrics: unknown[][], stat = "Sum") => ({
    type: "metric",
    width: 12,
    height: 6,
    properties: { title, metrics, stat, region: aws.getRegionOutput().region, period: 5 * MINUTE },
  });
  const ours = (metric: string) =>
    Object.keys(functions).map((name) => ["Tenure", metric, "service", name.toLowerCase()]);
  const lambda = (metric: string) =>
    Object.values(functions).map(({ name }) => ["AWS/Lambda", metric, "FunctionName", name]);
  new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: `tenure-${$app.stage}`,
    dashboardBody: $jsonStringify({
      widgets: [
        graph("Invocations", lambda("Invocations")),
        graph("Errors", lambda("Errors")),
        graph("Duration, p99", lambda("Duration"), "p99"),
        graph("Refusals and faults", [...ours("Refusals"), ...ours("Faults")]),
        graph("Sessions and codes", [...ours("SessionVerbs"), ...ours("CodeRequests")]),
        graph("Runs, supersteps, takeovers", [...ours("Runs"), ...ours("Supersteps"), ...ours("LeaseTakeovers")]),
        graph("DynamoDB units and retries", [
          ...ours("DynamoWriteUnits"),
          ...ours("DynamoReadUnits"),
          ...ours("DynamoRetries"),
        ]),
        graph("Runs that wait", [
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.nodes.queue.name],
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", deadLetters.nodes.queue.name],
        ]),
      ],
    }),
  });
}
