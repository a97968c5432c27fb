/**
 * The configuration of a deployed function: the linked resources of SST, and the environment that infra/ sets. Read once, when
 * the process starts; one error names everything that is missing.
 */
import process from "node:process";
import { TenureError } from "@tenure/core/errors";
import { Resource } from "sst";
import { literal, object, string, union, type z } from "zod";
import type { AccountConfig } from "../account/deps.ts";
import { addressFromHeader } from "../http/address.ts";
import { readSettings, type Settings } from "../http/settings.ts";
import { ADDRESS_HEADER, edgeSecretOf } from "./edge.ts";

const text = string().min(1);
const secret = object({ value: text });

const resources = {
  App: object({ stage: text }),
  UpstashRedisRestUrl: secret,
  UpstashRedisRestToken: secret,
  Pepper: secret,
  Generation: secret,
  Table: object({ name: text }),
};
/** Resources that only some functions have. */
export const mail = {
  Mail: union([object({ sender: text, configurationSet: text }), object({ codesToLog: literal(true) })]),
};
export const agent = { RunQueue: object({ url: text }), CheckpointKeys: secret.optional() };
const modelKey = { ModelApiKey: secret };

const environment = object({
  /** The site's origin, as browsers see it. */
  TENURE_ORIGIN: text,
  TENURE_MODEL: string().optional(),
  TENURE_OPERATORS: string().optional(),
  AWS_REGION: text,
  /** `1` for a deployment that shows the demo's race. */
  TENURE_DEMO: string().optional(),
  /** Set by `sst dev` for a function that runs on the developer's machine. */
  SST_DEV: string().optional(),
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
  const { found, problems } = readLinked({ ...resources, ...also });
  const env = environment.safeParse(process.env);
  problems.push(...(env.error?.issues ?? []).map(({ path }) => `${path} is not set`));
  const { settings, problems: unusable } = readSettings(process.env);
  problems.push(...unusable);
  if (problems.length > 0 || !env.data) throw new TenureError({ tag: "misconfigured", problems });
  const { App, UpstashRedisRestUrl, UpstashRedisRestToken, Pepper, Generation, Table } = found;
  return {
    ...settings,
    redis: { url: UpstashRedisRestUrl.value, token: UpstashRedisRestToken.value },
    dynamo: {},
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
    linked: found,
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

type Shape = Record<string, z.ZodType>;
type Found<S extends Shape> = { [Name in keyof S]: z.infer<S[Name]> };

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
    return [name, parsed.data];
  });
  return { found: Object.fromEntries(found) as Found<S>, problems };
}
