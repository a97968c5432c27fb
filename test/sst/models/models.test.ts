/**
 * The resources that the real `sst` would create, against AWS' own models: docs/validation.md. The short form does production; the
 * long form does all stages, and asks of each accepted finding that it is still there.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { document, ROOT, tableRows } from "../../docs/markdown.ts";
import { isLong } from "../../support/runner/size.ts";
import { awsModels, isSstInstalled } from "../../support/stores/found.ts";
import { type Evaluation, evaluate, type Resource, secrets } from "../program.ts";
import { accepted, acceptedBy } from "./accepted.ts";
import { mistakes, withMistake } from "./mistakes.ts";
import { type Check, type Finding, translate } from "./translate.ts";
import { judge } from "./validate.ts";

const production: Evaluation = {
  stage: "production",
  env: {
    TENURE_MODEL: "openai:gpt-5-mini",
    TENURE_ALARM_EMAIL: "ops@example.com",
    TENURE_TRACING: "1",
    TENURE_OPERATORS: "ops@example.com",
  },
  secrets: { ...secrets, ModelApiKey: "key-of-the-model" },
};
const others: Record<string, Evaluation> = {
  staging: { stage: "staging" },
  "a stage of one's own": { stage: "ada" },
  "a stage of one's own in `sst dev`": { stage: "ada", command: ["diff", "--dev"] },
  "production at a domain": {
    stage: "production",
    env: { TENURE_DOMAIN: "app.example.com", TENURE_MAIL_SENDER: "" },
  },
  "production at a domain elsewhere": {
    stage: "production",
    env: {
      TENURE_DOMAIN: "app.example.com",
      // Made by hand, so no resource of the program has this name: an account in which the rule on names does not look.
      TENURE_DOMAIN_CERT: "arn:aws:acm:us-east-1:210987654321:certificate/3a958790-8878-4cdc-a396-06d95064cf63",
      TENURE_MAIL_SENDER: "",
      TENURE_MAIL_IDENTITY: "existing",
      TENURE_SST_IDENTITIES: "app.example.com",
    },
  },
};
const evaluations: Record<string, Evaluation> = {
  "production with all that can be set": production,
  ...(isLong && others),
};

/** botocore, cfn-lint and parliament: the document says what they see, and no test runs them. */
const OTHER_CHECKERS = 3;
const CHECKS: Check[] = ["sdk", "schema", "iam", "rule"];
/** `@aws-sdk/client-{s3,sqs}@1.0.0` as the two that the shell makes of it. */
const expanded = (one: string): string[] => {
  const [, before, inside, after] = /^(.*)\{(.*)\}(.*)$/.exec(one) ?? [];
  return inside === undefined ? [one] : inside.split(",").map((name) => `${before}${name}${after}`);
};
const key = ({ check, resource, text }: Finding) => `${check} ${resource}: ${text}`;

describe.skipIf(!isSstInstalled || !awsModels)("what `sst deploy` would ask of AWS", () => {
  const programs = new Map<string, Resource[]>();
  const judged = new Map<string, Finding[]>();
  /** For each mistake the checks that see it. */
  const seen = new Map<string, Check[]>();

  beforeAll(async () => {
    for (const [what, evaluation] of Object.entries(evaluations)) {
      const program = await evaluate(evaluation);
      programs.set(what, program.resources);
      program.close();
    }
    const [first = []] = programs.values();
    const copies = mistakes.map((mistake) => withMistake(first, mistake));
    const findings = await judge([...programs.values(), ...copies]);
    for (const [i, what] of [...programs.keys()].entries()) judged.set(what, findings[i] ?? []);
    const good = new Set((findings[0] ?? []).map(key));
    for (const [i, { what }] of mistakes.entries()) {
      const found = (findings[programs.size + i] ?? []).filter((one) => !good.has(key(one)));
      seen.set(
        what,
        CHECKS.filter((check) => found.some((one) => one.check === check)),
      );
    }
  });

  it.each(Object.keys(evaluations))("agrees with the models: %s", (what) => {
    const findings = judged.get(what) ?? [];
    expect(findings.filter((one) => !acceptedBy(one)).map(key)).toEqual([]);
  });

  it.runIf(isLong)("has nothing accepted that is no longer there", () => {
    const used = new Set([...judged.values()].flat().map(acceptedBy));
    expect(accepted.filter((one) => !used.has(one))).toEqual([]);
  });

  it("would be refused by name with a resource of a type that has no translation", () => {
    const { resources, findings } = translate([{ type: "aws:neptune/cluster:Cluster", name: "Graph", inputs: {} }]);
    expect(resources).toEqual([]);
    expect(findings.map(({ resource }) => resource)).toEqual(["Graph"]);
    expect(findings[0]?.text).toContain("aws:neptune/cluster:Cluster");
  });

  it("is judged by the versions that docs/validation.md and CI name", () => {
    const named = (path: string) =>
      readFileSync(join(ROOT, path), "utf8")
        .match(/@(aws|aws-sdk|cloud-copilot)\/[\w{},-]+@[\w.-]+/g)
        ?.flatMap(expanded);
    const wanted = named("docs/validation.md");
    expect(wanted).toEqual(named(".ci/run"));
    const versionOf = (name: string) =>
      (
        JSON.parse(readFileSync(join(awsModels as string, "node_modules", name, "package.json"), "utf8")) as {
          version: string;
        }
      ).version;
    for (const one of wanted ?? []) {
      const at = one.lastIndexOf("@");
      expect([one, versionOf(one.slice(0, at))]).toEqual([one, one.slice(at + 1)]);
    }
  });

  it("has the mistakes that docs/validation.md lists, seen by the checks that it says", () => {
    const rows = tableRows(document("docs/validation.md"))
      .map(({ cells }) => cells)
      .filter((cells) => cells.length === 1 + CHECKS.length + OTHER_CHECKERS && cells[0] !== "mistake");
    const documented = rows.map(([what, ...cells]) => [what, ...cells.slice(0, CHECKS.length)]);
    const marks = mistakes.map(({ what }) => [
      what,
      ...CHECKS.map((check) => (seen.get(what)?.includes(check) ? "yes" : "")),
    ]);
    const counts = CHECKS.map((check) => String([...seen.values()].filter((one) => one.includes(check)).length));
    expect(documented).toEqual([...marks, [`of ${mistakes.length}`, ...counts]]);
  });
});
