/** Mistakes that somebody could make in the program, and the check that has to see each. */
import type { checks } from "./checks.ts";
import type { Change } from "./program.ts";

interface Mistake {
  what: string;
  changes: Change[];
  check: keyof typeof checks & string;
  /** Where it shows; production when left out. */
  stage?: "staging";
}

const mistake = (what: string, check: Mistake["check"], file: string, from: string, to: string): Mistake => ({
  what,
  check,
  changes: [{ file, from, to }],
});

const TABLE = "the table is the one of core, with its TTL and its index";
const KEPT = "what production keeps is protected, and other stages leave nothing";
const RIGHTS = "a function may do what it does, and no more";
const QUEUE = "runs go by a FIFO queue that outwaits its worker and puts aside what fails";
const WATCHED = "what is watched is what is told";

export const mistakes: Mistake[] = [
  mistake("no TTL", TABLE, "infra/storage.ts", "  ttl: ttlAttribute,\n", ""),
  mistake("no index", TABLE, "infra/storage.ts", 'projection: "all"', 'projection: "keys-only"'),
  mistake(
    "an index without a ceiling",
    "the table and its index have a ceiling each",
    "infra/storage.ts",
    "({ ...one, onDemandThroughput })",
    "one",
  ),
  mistake(
    "no deletion protection",
    KEPT,
    "infra/storage.ts",
    "deletionProtection: isProduction",
    "deletionProtection: false",
  ),
  mistake("nothing retained", KEPT, "sst.config.ts", '"retain"', '"remove"'),
  mistake(
    "a role for the whole account",
    "a function's role is for Lambda alone",
    "infra/function.ts",
    "if (!$dev) ",
    "if ($dev) ",
  ),
  mistake(
    "SST's own link to the table",
    RIGHTS,
    "infra/permission.ts",
    "sst.Linkable.wrap(sst.aws.Dynamo",
    "(() => {})(sst.aws.Dynamo as never",
  ),
  mistake("no link to the queue", RIGHTS, "infra/api.ts", "link: [table, queue, pepper", "link: [table, pepper"),
  mistake(
    "another prefix",
    "the site and the API are one origin, and each path leads where it is served",
    "infra/api.ts",
    'router.route("/api",',
    'router.route("/v1",',
  ),
  mistake(
    "a page for programs that ask for nothing that is there",
    "a path without a page gives a person the site, and a program the API's answer",
    "infra/edge.ts",
    "h.accept.value",
    '"text/html"',
  ),
  mistake(
    "an address that clients may claim",
    "a request says where it comes from, whatever its client says",
    "infra/edge.ts",
    "event.viewer.ip",
    'event.request.headers["x-forwarded-for"]?.value',
  ),
  mistake("answers that are not streamed", "answers are streamed", "infra/api.ts", "  streaming: true,\n", ""),
  mistake(
    "a bundle with a library too many",
    "bundles are small, and hold no provider that is not used",
    "packages/functions/src/lambda/auth.ts",
    'import { Hono } from "hono";',
    'import { Hono } from "hono";\nimport * as langgraph from "@langchain/langgraph";\nObject.assign(globalThis, { langgraph });',
  ),
  {
    ...mistake(
      "two stages that make one identity",
      "an SES identity is made by its owner, and only looked up by others",
      "infra/email.ts",
      "isProduction || sender === domain",
      "true",
    ),
    stage: "staging",
  },
  mistake(
    "errors that CloudFront keeps as it does by default",
    "CloudFront keeps no error",
    "infra/web.ts",
    "  transform: { cdn: { customErrorResponses } },\n",
    "",
  ),
  mistake("one error that CloudFront keeps", "CloudFront keeps no error", "infra/cdn.ts", "503, ", ""),
  mistake(
    "an alarm on a metric that does not exist",
    WATCHED,
    "infra/alarm.ts",
    '"Url5xxCount",\n',
    '"Url5XXErrors",\n',
  ),
  mistake("a stage dimension dropped", WATCHED, "infra/alarm.ts", ", stage: $app.stage });", " });"),
  mistake(
    "an alarm on what is never counted there",
    WATCHED,
    "infra/alarm.ts",
    'dimensions: ours("Auth")',
    'dimensions: ours("Api")',
  ),
  mistake(
    "an index that is watched as a table",
    WATCHED,
    "infra/alarm.ts",
    "GlobalSecondaryIndexName: tableDefinition",
    "IndexName: tableDefinition",
  ),
  mistake(
    "a throttle that rings at once",
    "no alarm rings for one throttle",
    "infra/alarm.ts",
    "threshold: 5,",
    "threshold: 0,",
  ),
  mistake(
    "an alarm that is missing",
    "whoever is awake is told",
    "infra/alarm.ts",
    'const serving: Name[] = ["Auth", "Api"];',
    'const serving: Name[] = ["Auth"];',
  ),
  mistake(
    "a secret in plain environment",
    "no secret is in plain sight",
    "infra/api.ts",
    "  link: [table, mail, pepper",
    "  environment: { ...common.environment, PEPPER: pepper.value },\n  link: [table, mail, pepper",
  ),
  mistake(
    "bounces that lead nowhere",
    "bounces and complaints lead to somebody",
    "infra/email.ts",
    '"BOUNCE", "COMPLAINT", ',
    '"DELIVERY", ',
  ),
  mistake("dead letters for four days", QUEUE, "infra/queue.ts", "14 * 24", "4 * 24"),
  mistake(
    "a worker without a bound",
    QUEUE,
    "infra/queue.ts",
    "scalingConfig: { maximumConcurrency: concurrency }",
    "",
  ),
  mistake("sweeps that cannot be told apart", QUEUE, "infra/queue.ts", '"<aws.scheduler.scheduled-time>"', '"now"'),
  mistake(
    "a function of CloudFront that is too large",
    "the functions of CloudFront have the size that it takes",
    "infra/edge.ts",
    "export const onRequest = $interpolate`",
    `export const onRequest = $interpolate\`\n  // ${"x".repeat(1500)}\n`,
  ),
];
