/**
 * The configuration of a deployed function: the linked resources of SST, and the environment that infra/ sets. Read once, when
 * the process starts; one error names everything that is missing.
 */
import process from "node:process";
import { TenureError } from "@tenure/core/errors";
import { Resource } from "sst";
import type { AccountConfig } from "../account/deps.ts";
import { addressFromHeader } from "../http/address.ts";
import { type Check, either, exactly, fields, type Of, optional, text } from "../http/check.ts";
import { readSettings, type Settings } from "../http/settings.ts";
import { ADDRESS_HEADER, edgeSecretOf } from "./edge.ts";
import { dynamoEndpoint } from "./endpoint.ts";

const filled = text({ min: 1 });
const secret = fields({ value: filled });

const resources = {
  App: fields({ stage: filled }),
  UpstashRedisRestUrl: secret,
  UpstashRedisRestToken: secret,
  Pepper: secret,
  Generation: secret,
  Table: fields({ name: filled }),
};
/** Resources that only some functions have. */
export const mail = {
  Mail: either(fields({ sender: filled, configurationSet: filled }), fields({ codesToLog: exactly(true) })),
};
export const agent = { RunQueue: fields({ url: filled }), CheckpointKeys: optional(secret) };
const modelKey = { ModelApiKey: secret };

const environment = fields({
  /** The site's origin, as browsers see it. */
  TENURE_ORIGIN: filled,
  TENURE_MODEL: optional(text()),
  TENURE_OPERATORS: optional(text()),
  AWS_REGION: filled,
  /** `1` for a deployment that shows the demo's race. */
  TENURE_DEMO: optional(text()),
  /** Set by `sst dev` for a function that runs on the developer's machine. */
  SST_DEV: optional(text()),
});

export interface FunctionConfig extends Omit<AccountConfig, "mailer" | keyof Settings>, Settings {
  region: string;
  stage: string;
  /** True on a developer's machine, under `sst dev`. */
  isDev: boolean;
  model: string | undefined;
  /** The secret by which the front door proves that a request has come through it. */
  edgeSecret: string;
  demo: boolean;
}

/** Everything that all functions are told, and `also` what this one is; throws `misconfigured`, with a line for each thing missing. */
export function readConfig<S extends Shape>(also: S): FunctionConfig & { linked: Found<S> } {
  const [common, own] = [readLinked(resources), readLinked(also)];
  const problems = [...common.problems, ...own.problems];
  const env = environment.safeParse(process.env);
  if (!env.success) problems.push(...env.error.issues.map(({ path }) => `${path.join(".")} is not set`));
  const { settings, problems: unusable } = readSettings(process.env);
  problems.push(...unusable);
  if (problems.length > 0 || !env.success) throw new TenureError({ tag: "misconfigured", problems });
  const { App, UpstashRedisRestUrl, UpstashRedisRestToken, Pepper, Generation, Table } = common.found;
  return {
    ...settings,
    redis: { url: UpstashRedisRestUrl.value, token: UpstashRedisRestToken.value },
    dynamo: { region: env.data.AWS_REGION, endpoint: dynamoEndpoint(process.env, env.data.AWS_REGION) },
    tableName: Table.name,
    pepper: Pepper.value,
    // The first has no name: what was there before there were generations is in it.
    ...(Generation.value !== "first" && { generation: Generation.value }),
    publicOrigin: env.data.TENURE_ORIGIN,
    operators: (env.data.TENURE_OPERATORS ?? "").split(/[\s,]+/).filter(Boolean),
    addressOf: addressFromHeader(ADDRESS_HEADER),
    report: (line) => process.stderr.write(`${line}\n`),
    region: env.data.AWS_REGION,
    stage: App.stage,
    isDev: env.data.SST_DEV === "true",
    model: env.data.TENURE_MODEL || undefined,
    edgeSecret: edgeSecretOf(Pepper.value),
    demo: env.data.TENURE_DEMO === "1",
    linked: own.found,
  };
}

/**
 * Puts the model's key into the environment of this process, where its package looks for it: in the function's configuration it
 * would be in plain sight. To be called before the model is made. Throws `misconfigured` when the key is not linked.
 */
export function provideModelKey(): void {
  const name = process.env.TENURE_MODEL_KEY_NAME;
  if (!name) return;
  const { found, problems } = readLinked(modelKey);
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
  process.env[name] = found.ModelApiKey.value;
}

type Shape = Record<string, Check<unknown>>;
type Found<S extends Shape> = { [Name in keyof S]: Of<S[Name]> };

/** SST's `Resource` throws at a name that is not linked. */
function readLinked<S extends Shape>(shape: S): { found: Found<S>; problems: string[] } {
  const problems: string[] = [];
  const found = Object.entries(shape).map(([name, schema]) => {
    let value: unknown;
    try {
      value = (Resource as unknown as Record<string, unknown>)[name];
    } catch {
      value = undefined;
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) problems.push(`${name} is not linked to this function, or is not set: see docs/deploy.md`);
    return [name, parsed.success ? parsed.data : undefined];
  });
  return { found: Object.fromEntries(found) as Found<S>, problems };
}
