/**
 * The resources of evaluated programs against AWS' models.
 *
 * @example
 * const [findings] = await judge([program.resources]);
 */
import type { Resource } from "../program.ts";
import { checkCalls } from "./calls.ts";
import { checkPolicies } from "./policies.ts";
import { checkRules } from "./rules.ts";
import { checkSchemas } from "./schemas.ts";
import { type Finding, translate } from "./translate.ts";

/** For each program what the checks say of it, with what is accepted (accepted.ts). */
export async function judge(programs: Resource[][]): Promise<Finding[][]> {
  const translations = programs.map(translate);
  const checks = [
    checkCalls(translations),
    checkSchemas(translations),
    await checkPolicies(translations),
    checkRules(translations),
  ];
  return translations.map((_, i) => checks.flatMap((found) => found[i] ?? []));
}
