/** Limits and relations that AWS documents and that none of the models knows. Each rule says where AWS says it. */
import { ARNS, type Finding, physicalName, type Translated, type Translation, UUID } from "./translate.ts";

type Rule = (resource: Translated, all: Translated[]) => string | false | undefined;

const LAMBDA_SECONDS = 900;
const LAMBDA_ENVIRONMENT_BYTES = 4096;
const EDGE_FUNCTION_BYTES = 10_240;
const ROLE_INLINE_CHARACTERS = 10_240;
const FIFO_BATCH = 10;
const ALARM_SECONDS = { short: 86_400, long: 604_800 };

const bytes = (text: string) => Buffer.byteLength(text);
const queueOf = (arn: string, all: Translated[]) =>
  all.find(({ type, inputs }) => type === "aws:sqs/queue:Queue" && arn.endsWith(`:${inputs.name}`))?.inputs;

/** `rate(5 minutes)`, `cron(0 12 * * ? *)` or `at(2026-11-26T12:00:00)`. */
function isSchedule(expression: string): boolean {
  const [, kind, inside = ""] = /^(rate|cron|at)\((.*)\)$/.exec(expression) ?? [];
  if (kind === "rate") return /^[1-9]\d* (minute|hour|day)s?$/.test(inside);
  if (kind === "at") return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(inside);
  const fields = inside.split(" ");
  return kind === "cron" && fields.length === 6 && (fields[2] === "?") !== (fields[4] === "?");
}

const rules: Record<string, Rule[]> = {
  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  "aws:lambda/function:Function": [
    ({ inputs }) => inputs.timeout > LAMBDA_SECONDS && `timeout ${inputs.timeout}: at most ${LAMBDA_SECONDS} s`,
    ({ inputs }) => {
      const size = bytes(JSON.stringify(inputs.environment?.variables ?? {}));
      return size > LAMBDA_ENVIRONMENT_BYTES && `environment: ${size} of ${LAMBDA_ENVIRONMENT_BYTES} bytes`;
    },
  ],
  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  "aws:lambda/eventSourceMapping:EventSourceMapping": [
    ({ inputs }, all) => {
      const queue = queueOf(inputs.eventSourceArn, all);
      const worker = all.find(
        ({ type, inputs: { name } }) => type === "aws:lambda/function:Function" && inputs.functionName.endsWith(name),
      );
      const visibility = queue?.visibilityTimeoutSeconds ?? 30;
      const timeout = worker?.inputs.timeout ?? 3;
      return (
        queue &&
        visibility < timeout &&
        `the queue's visibility, ${visibility} s, is below the function's timeout, ${timeout} s`
      );
    },
    ({ inputs }, all) =>
      queueOf(inputs.eventSourceArn, all)?.fifoQueue &&
      inputs.batchSize > FIFO_BATCH &&
      `batchSize ${inputs.batchSize}: at most ${FIFO_BATCH} from a FIFO queue`,
    ({ inputs }, all) =>
      queueOf(inputs.eventSourceArn, all)?.fifoQueue &&
      inputs.maximumBatchingWindowInSeconds > 0 &&
      "a FIFO queue takes no batching window",
  ],
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
  "aws:scheduler/schedule:Schedule": [
    ({ inputs }) => !isSchedule(inputs.scheduleExpression) && `${inputs.scheduleExpression} is no schedule`,
    ({ inputs }) =>
      inputs.target?.input !== undefined && !isJson(inputs.target.input) && "the target's input is no JSON",
  ],
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
  "aws:cloudwatch/metricAlarm:MetricAlarm": [
    ({ inputs: { period } }) =>
      period !== undefined &&
      ![10, 20, 30].includes(period) &&
      period % 60 !== 0 &&
      `period ${period} is no multiple of 60 s`,
    ({ inputs: { period = 0, evaluationPeriods } }) =>
      period * evaluationPeriods > (period >= 3600 ? ALARM_SECONDS.long : ALARM_SECONDS.short) &&
      `${evaluationPeriods} periods of ${period} s are too long`,
    ({ inputs: { statistic, extendedStatistic, metricQueries } }) =>
      [statistic, extendedStatistic, metricQueries].filter((one) => one !== undefined).length !== 1 &&
      "an alarm has one of statistic, extendedStatistic and metricQueries",
  ],
  "aws:cloudwatch/dashboard:Dashboard": [({ inputs }) => !isJson(inputs.dashboardBody) && "the body is no JSON"],
  // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TimeToLiveSpecification.html
  "aws:dynamodb/table:Table": [
    ({ inputs: { ttl } }) =>
      ttl?.enabled && !/^.{1,255}$/s.test(ttl.attributeName ?? "") && "TTL on an attribute without a name",
    ({ inputs: { ttl, attributes } }) =>
      attributes.some(({ name }: { name: string }) => name === ttl?.attributeName) && "TTL on an attribute of a key",
  ],
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
  "aws:sqs/queue:Queue": [
    ({ inputs: { redrivePolicy, fifoQueue = false } }, all) => {
      const letters = redrivePolicy && queueOf(JSON.parse(redrivePolicy).deadLetterTargetArn, all);
      return (
        letters && (letters.fifoQueue ?? false) !== fifoQueue && "its dead letters go to a queue of the other kind"
      );
    },
  ],
  // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
  "aws:cloudfront/function:Function": [
    ({ inputs: { code } }) =>
      bytes(code) > EDGE_FUNCTION_BYTES && `the code is ${bytes(code)} of ${EDGE_FUNCTION_BYTES} bytes`,
  ],
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  "aws:iam/role:Role": [
    ({ meaning: { policies = [] } }) => {
      const inline = policies.filter(({ kind }) => kind === "identity").map(({ document }) => JSON.stringify(document));
      const size = inline.join("").length;
      return size > ROLE_INLINE_CHARACTERS && `inline policies: ${size} of ${ROLE_INLINE_CHARACTERS} characters`;
    },
  ],
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** An ARN in the account of the test that belongs to nothing in the program. */
function danglingArns({ inputs }: Translated, known: Set<string>): string[] {
  const arns = JSON.stringify(inputs).matchAll(/arn:aws:[a-z0-9-]+:[a-z0-9-]*:123456789012:[^"\\\s]+/g);
  const isKnown = (arn: string) =>
    arn.endsWith(":root") ||
    [...known].some((one) => arn === one || arn.startsWith(`${one}/`) || arn.startsWith(`${one}:`));
  return [...new Set([...arns].map(([arn]) => arn))].filter((arn) => !isKnown(arn));
}

/** For each translation its findings. */
export const checkRules = (translations: Translation[]): Finding[][] =>
  translations.map(({ resources, findings }) => {
    const arns = resources.flatMap((one) => ARNS[one.type]?.(physicalName(one)) ?? []);
    const known = new Set(arns.map((arn) => arn.replace(`/${UUID}`, "")));
    const found = resources.flatMap((one) => [
      ...(rules[one.type] ?? []).flatMap((rule) => {
        const text = rule(one, resources);
        return text ? [{ resource: one.name, text }] : [];
      }),
      ...danglingArns(one, known).map((arn) => ({
        resource: one.name,
        text: `${arn} is nothing that the program creates`,
      })),
    ]);
    return [...findings, ...found.map((one): Finding => ({ ...one, check: "rule" }))];
  });
