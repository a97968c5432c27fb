/**
 * The resources, as a CloudFormation template, against the schemas of AWS' resource providers: lengths, ranges, patterns, values,
 * and rules between members. AWS' own validator does it, offline: @aws/cloudformation-validate.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { awsModels } from "../../support/stores/found.ts";
import type { Finding, Translated, Translation } from "./translate.ts";

interface Diagnostic {
  ruleId: string;
  severity: "FATAL" | "ERROR" | "WARN" | "INFO" | "DEBUG";
  message: string;
  entity?: { logicalId: string };
  propertyPath?: string;
}

interface Engine {
  validateStandard(
    file: object,
    config: { severityLevel: Diagnostic["severity"]; exclude: { ids: string[] } },
  ): { status: string; diagnostics: Diagnostic[] };
  free(): void;
}

interface Validator {
  CelEngine: new () => Engine;
  TemplateFile: new (path: string) => object;
}

/** Rules on how a template names an account and an ARN, which ours has in full: it is never deployed. */
const ON_TEMPLATES = ["W9002", "W9013"];

/** For each translation its findings. */
export function checkSchemas(translations: Translation[]): Finding[][] {
  const { CelEngine, TemplateFile } = createRequire(join(awsModels as string, "package.json"))(
    "@aws/cloudformation-validate",
  ) as Validator;
  const folder = mkdtempSync(join(tmpdir(), "tenure-schemas-"));
  const engine = new CelEngine();
  try {
    return translations.map(({ resources }) => {
      const path = join(folder, "template.json");
      writeFileSync(path, JSON.stringify(template(resources)));
      const { status, diagnostics } = engine.validateStandard(new TemplateFile(path), {
        severityLevel: "WARN",
        exclude: { ids: ON_TEMPLATES },
      });
      if (status !== "OK") throw new Error(`CloudFormation's validator ended with ${status}`);
      return diagnostics.map(
        ({ ruleId, message, entity, propertyPath = "" }): Finding => ({
          resource: resources.find((_, i) => logicalId(i) === entity?.logicalId)?.name ?? "",
          check: "schema",
          text: `${ruleId} ${propertyPath.replace("Properties.", "")}: ${message}`,
        }),
      );
    });
  } finally {
    engine.free();
    rmSync(folder, { recursive: true, force: true });
  }
}

const logicalId = (index: number) => `Resource${index}`;

/** The resources that CloudFormation has a type for. */
export const template = (resources: Translated[]) => ({
  AWSTemplateFormatVersion: "2010-09-09",
  Resources: Object.fromEntries(
    resources.flatMap(({ meaning: { cloudFormation } }, i) =>
      cloudFormation ? [[logicalId(i), { Type: cloudFormation.type, Properties: cloudFormation.properties }]] : [],
    ),
  ),
});
