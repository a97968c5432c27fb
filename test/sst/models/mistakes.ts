/** Mistakes to be made in a copy of the evaluated program, one at a time, so that each check can be asked whether it sees them. */
import type { Resource } from "../program.ts";
import type { Inputs } from "./translations/meaning.ts";

export interface Mistake {
  what: string;
  /** The resource's name, or its type where the program has one of it. */
  of: string;
  make(inputs: Inputs): void;
}

/** Changes a policy, which is text, as the object that it says. */
function editPolicy(holder: Inputs, key: string, edit: (statements: Inputs[]) => void): void {
  const document = JSON.parse(holder[key]);
  edit(document.Statement);
  holder[key] = JSON.stringify(document);
}

const inline = (role: Inputs) => role.inlinePolicies[0] as Inputs;
const statementWith = (statements: Inputs[], action: string): Inputs => {
  const found = statements.find(({ Action }) => (Action as string[]).includes(action));
  if (!found) throw new Error(`no statement grants ${action}`);
  return found;
};

export const mistakes: Mistake[] = [
  { what: "64 MB of memory", of: "AuthFunction", make: (inputs) => (inputs.memorySize = 64) },
  { what: "a timeout of 20 minutes", of: "ApiFunction", make: (inputs) => (inputs.timeout = 1200) },
  { what: "the runtime `nodejs24`", of: "ApiFunction", make: (inputs) => (inputs.runtime = "nodejs24") },
  {
    what: "a reserved concurrency of -5",
    of: "AuthFunction",
    make: (inputs) => (inputs.reservedConcurrentExecutions = -5),
  },
  { what: "an input of no name, `memory`", of: "AuthFunction", make: (inputs) => (inputs.memory = 512) },
  {
    what: "an environment of 5 KB",
    of: "ApiFunction",
    make: (inputs) => (inputs.environment.variables.TENURE_OPERATORS = "x".repeat(5000)),
  },
  { what: "`buffered` for `BUFFERED`", of: "ApiUrl", make: (inputs) => (inputs.invokeMode = "buffered") },
  {
    what: "20 messages at once from a FIFO queue",
    of: "aws:lambda/eventSourceMapping:EventSourceMapping",
    make: (inputs) => (inputs.batchSize = 20),
  },
  {
    what: "the schedule `every minute`",
    of: "aws:scheduler/schedule:Schedule",
    make: (inputs) => (inputs.scheduleExpression = "every minute"),
  },
  {
    what: "a schedule without a role",
    of: "aws:scheduler/schedule:Schedule",
    make: (inputs) => delete inputs.target.roleArn,
  },
  { what: "logs kept for 100 days", of: "AuthLogGroup", make: (inputs) => (inputs.retentionInDays = 100) },
  { what: "the statistic `Total`", of: "DeadLettersAlarm", make: (inputs) => (inputs.statistic = "Total") },
  {
    what: "the comparison `GreaterThan`",
    of: "DeadLettersAlarm",
    make: (inputs) => (inputs.comparisonOperator = "GreaterThan"),
  },
  { what: "an alarm's period of 45 s", of: "DeadLettersAlarm", make: (inputs) => (inputs.period = 45) },
  {
    what: "a visibility of 13 hours",
    of: "RunQueueQueue",
    make: (inputs) => (inputs.visibilityTimeoutSeconds = 13 * 3600),
  },
  {
    what: "a visibility below the worker's timeout",
    of: "RunQueueQueue",
    make: (inputs) => (inputs.visibilityTimeoutSeconds = 30),
  },
  {
    what: "a FIFO queue whose name does not end in `.fifo`",
    of: "RunDeadLettersQueue",
    make: (inputs) => (inputs.name = inputs.name.replace(".fifo", "")),
  },
  {
    what: "dead letters to a queue that is not there",
    of: "RunQueueQueue",
    make: (inputs) => (inputs.redrivePolicy = inputs.redrivePolicy.replace("RunDeadLetters", "RunDaedLetters")),
  },
  {
    what: "TTL on an attribute without a name",
    of: "aws:dynamodb/table:Table",
    make: (inputs) => (inputs.ttl.attributeName = ""),
  },
  {
    what: "an index by an attribute that is not declared",
    of: "aws:dynamodb/table:Table",
    make: (inputs) => (inputs.globalSecondaryIndexes[0].hashKey = "owner"),
  },
  {
    what: "the billing mode `ON_DEMAND`",
    of: "aws:dynamodb/table:Table",
    make: (inputs) => (inputs.billingMode = "ON_DEMAND"),
  },
  {
    what: "a policy of another bucket",
    of: "aws:s3/bucketPolicy:BucketPolicy",
    make: (inputs) =>
      editPolicy(inputs, "policy", (statements) => {
        statements[0].Resource = ["arn:aws:s3:::somebody-elses-assets/*"];
      }),
  },
  {
    what: "the origin protocol `https`",
    of: "aws:cloudfront/distribution:Distribution",
    make: (inputs) => (inputs.origins[0].customOriginConfig.originProtocolPolicy = "https"),
  },
  {
    what: "a CloudFront function of 11 KB",
    of: "RouterCloudfrontFunctionResponse",
    make: (inputs) => (inputs.code += `\n// ${"x".repeat(11 * 1024)}`),
  },
  {
    what: "the action `dynamodb:GetItems`",
    of: "ApiRole",
    make: (inputs) =>
      editPolicy(inline(inputs), "policy", (statements) => {
        const one = statementWith(statements, "dynamodb:GetItem");
        one.Action = one.Action.map((action: string) => action.replace("GetItem", "GetItems"));
      }),
  },
  {
    what: "the condition key `ses:FromAdress`",
    of: "AuthRole",
    make: (inputs) =>
      editPolicy(inline(inputs), "policy", (statements) => {
        const one = statementWith(statements, "ses:SendEmail");
        one.Condition = { StringEquals: { "ses:FromAdress": ["login@example.com"] } };
      }),
  },
  {
    what: "the right to send messages to a table",
    of: "ApiRole",
    make: (inputs) =>
      editPolicy(inline(inputs), "policy", (statements) => {
        statementWith(statements, "sqs:SendMessage").Resource = statementWith(statements, "dynamodb:GetItem").Resource;
      }),
  },
  {
    what: "the right to read every table",
    of: "ApiRole",
    make: (inputs) =>
      editPolicy(inline(inputs), "policy", (statements) => {
        statementWith(statements, "dynamodb:GetItem").Resource = ["*"];
      }),
  },
  {
    what: "a role for `lamda.amazonaws.com`",
    of: "WorkerRole",
    make: (inputs) =>
      (inputs.assumeRolePolicy = {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "lamda.amazonaws.com" } }],
      }),
  },
  {
    what: "an alarm on the metric `Errrors`",
    of: "AuthErrorsAlarm",
    make: (inputs) => (inputs.metricName = "Errrors"),
  },
  { what: "the handler `bundle.handle`", of: "ApiFunction", make: (inputs) => (inputs.handler = "bundle.handle") },
  {
    what: "a managed policy that AWS does not have",
    of: "AuthRole",
    make: (inputs) => inputs.managedPolicyArns.push("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicRole"),
  },
  {
    what: "a cache policy that is not there",
    of: "aws:cloudfront/distribution:Distribution",
    make: (inputs) => (inputs.defaultCacheBehavior.cachePolicyId = "658327ea-0000-0000-0000-7e88639e58f6"),
  },
];

/** The program with the mistake in it. */
export function withMistake(resources: Resource[], { what, of, make }: Mistake): Resource[] {
  const copy = structuredClone(resources);
  const one = copy.find(({ type, name }) => name === of || type === of);
  if (!one) throw new Error(`${what}: the program has no ${of}`);
  make(one.inputs);
  return copy;
}
