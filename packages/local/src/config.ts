/** The configuration of `npm start`, from the environment. Every mistake is named, in one line each, before anything starts. */
import { resolve } from "node:path";
import type { EncryptionOptions } from "@tenure/core/checkpoint";
import { TenureError } from "@tenure/core/errors";
import { readKeys, readSettings, SETTING_NAMES, type Settings } from "@tenure/functions/settings";

export interface LocalConfig extends Partial<Settings> {
  port: number;
  dataDir: string;
  /** A redis-server to use in place of the embedded engine. */
  redisUrl?: URL;
  /** A DynamoDB Local, or the like, to use in place of dynalite. */
  dynamoEndpoint?: URL;
  model?: string;
  /** The header in which a proxy of one's own says where a request comes from; the connection when left out. */
  addressHeader?: string;
  /** Runs that may be under way at once; that of Runner when left out. */
  maxActiveRuns?: number;
  limits: "on" | "off";
  cookie: "host" | "plain";
  /** Starts without what is damaged of the data, and says what that is; it does not start when left out. */
  skipDamage?: boolean;
  /** `off` leaves the demo's race out, as a deployment does; on when left out. */
  demo?: "on" | "off";
  /** Keys for checkpoints at rest. */
  encryption?: EncryptionOptions;
}

type Environment = Record<string, string | undefined>;

const known = [
  "TENURE_APP",
  "TENURE_DATA_DIR",
  "TENURE_REDIS_URL",
  "TENURE_DYNAMODB_ENDPOINT",
  "TENURE_MODEL",
  "TENURE_ADDRESS_HEADER",
  "TENURE_LIMITS",
  "TENURE_COOKIE",
  "TENURE_MAX_ACTIVE_RUNS",
  "TENURE_DEMO",
  "TENURE_CHECKPOINT_KEYS",
  ...SETTING_NAMES,
];

/** Names in the environment that look like settings and are none: most likely a slip of the pen. */
export function unknownSettings(env: Environment): string[] {
  return Object.keys(env).filter(
    (name) => name.startsWith("TENURE_") && !name.startsWith("TENURE_TEST_") && !known.includes(name),
  );
}

/** Throws `misconfigured` with every problem it finds. */
export function readConfig(env: Environment): LocalConfig {
  const problems: string[] = [];
  const setting = (name: string) => env[name]?.trim() || undefined;

  const choice = <T extends string>(name: string, first: T, second: T): T => {
    const value = setting(name) ?? first;
    if (value !== first && value !== second) problems.push(`${name} must be ${first} or ${second}, not "${value}"`);
    return value as T;
  };
  const url = (name: string, protocols: string[], example: string): URL | undefined => {
    const value = setting(name);
    if (value === undefined) return undefined;
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    if (parsed && protocols.includes(parsed.protocol) && parsed.hostname) return parsed;
    // The URL may hold a password.
    problems.push(`${name} must be a URL like ${example}, not "${value.replace(/\/\/[^@/]*@/, "//…@")}"`);
    return undefined;
  };

  const portText = setting("PORT") ?? "3000";
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port < 1 || port > 65_535)
    problems.push(`PORT must be a number from 1 to 65535, not "${portText}"`);
  const model = setting("TENURE_MODEL");
  if (model !== undefined && !/^[\w-]+:\S+$/.test(model))
    problems.push(`TENURE_MODEL must be provider:model, like openai:gpt-5-mini, not "${model}"`);
  const addressHeader = setting("TENURE_ADDRESS_HEADER");
  if (addressHeader !== undefined && !/^[\w-]+$/.test(addressHeader))
    problems.push(`TENURE_ADDRESS_HEADER must be a header's name, like X-Forwarded-For, not "${addressHeader}"`);
  const redisUrl = url("TENURE_REDIS_URL", ["redis:"], "redis://127.0.0.1:6379");
  const dynamoEndpoint = url("TENURE_DYNAMODB_ENDPOINT", ["http:", "https:"], "http://127.0.0.1:8000");
  const maxActiveRuns = setting("TENURE_MAX_ACTIVE_RUNS");
  if (maxActiveRuns !== undefined && !/^[1-9]\d{0,4}$/.test(maxActiveRuns))
    problems.push(`TENURE_MAX_ACTIVE_RUNS must be a number from 1 to 99999, not "${maxActiveRuns}"`);
  const { settings, problems: unusable } = readSettings(env);
  problems.push(...unusable);
  const keysText = setting("TENURE_CHECKPOINT_KEYS");
  const keys = keysText === undefined ? undefined : readKeys(keysText);
  if (keys && "problem" in keys) problems.push(`TENURE_CHECKPOINT_KEYS: ${keys.problem}`);
  const config: LocalConfig = {
    ...settings,
    ...(keys && "encryption" in keys && keys),
    port,
    dataDir: resolve(setting("TENURE_DATA_DIR") ?? ".tenure"),
    ...(redisUrl && { redisUrl }),
    ...(dynamoEndpoint && { dynamoEndpoint }),
    ...(model !== undefined && { model }),
    ...(addressHeader !== undefined && { addressHeader }),
    ...(maxActiveRuns !== undefined && { maxActiveRuns: Number(maxActiveRuns) }),
    limits: choice("TENURE_LIMITS", "on", "off"),
    cookie: choice("TENURE_COOKIE", "host", "plain"),
    demo: choice("TENURE_DEMO", "on", "off"),
  };
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
  return config;
}
