/**
 * Settings of a service that are the same on a laptop and deployed: `npm start` reads them from its environment, and a deployment
 * from the environment that infra/function.ts gives its functions. Every mistake is named, and nothing starts with one.
 *
 * @example
 * TENURE_IDLE_TIMEOUT=15m TENURE_ABSOLUTE_TIMEOUT=8h npm start
 */
import type { EncryptionOptions } from "@tenure/core/checkpoint";
import type { CodePolicy } from "@tenure/core/otp";
import type { SessionPolicy } from "@tenure/core/session";

/** The settings that were set; the others have the default of their policy. */
export interface Settings {
  sessionPolicy: Partial<SessionPolicy>;
  codePolicy: Partial<CodePolicy>;
  /** Milliseconds. */
  threadTtlMs?: number | undefined;
  /** `TENURE_THREAD_STRATEGY`: what goes at the end of that time. */
  threadStrategy?: "delete" | "keep_latest" | undefined;
  /** Milliseconds. */
  memoryTtlMs?: number | undefined;
  /** Origins whose pages may use the API: `TENURE_ALLOWED_ORIGINS`, apart by spaces or commas. */
  allowedOrigins?: string[] | undefined;
}

const KEY_BYTES = 32;
const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNITS;

interface Bounds {
  standard: string;
  least: string;
  most: string;
}

/** The names, each with its default and with the least and the most that it may be. */
const durations = {
  /** A session that is not used for so long ends. */
  TENURE_IDLE_TIMEOUT: { standard: "30m", least: "10s", most: "90d" },
  /** A session ends so long after its login, used or not. */
  TENURE_ABSOLUTE_TIMEOUT: { standard: "12h", least: "10s", most: "365d" },
  /** A login code can be used for so long. */
  TENURE_CODE_TTL: { standard: "10m", least: "1m", most: "1h" },
  /** Another code can be asked for after so long. */
  TENURE_CODE_RESEND: { standard: "30s", least: "1s", most: "10m" },
  /** A thread that asks for no lifetime goes, with all that is in it, so long after something was last done in it. */
  TENURE_THREAD_TTL: { standard: "forever", least: "1m", most: "3650d" },
  /** A memory item that asks for no lifetime is gone so long after it was put. */
  TENURE_MEMORY_TTL: { standard: "forever", least: "1m", most: "3650d" },
} satisfies Record<string, Bounds>;

const numbers = {
  /** The number of tries that a code gives. */
  TENURE_CODE_ATTEMPTS: { standard: "5", least: "1", most: "10" },
  /** The number of sessions that a user may have at once; one more ends the oldest. */
  TENURE_MAX_SESSIONS: { standard: "20", least: "1", most: "100" },
} satisfies Record<string, Bounds>;

/** The strategy of a thread that asks for no lifetime: at its deadline the thread goes, or its older checkpoints do. */
const STRATEGY = "TENURE_THREAD_STRATEGY";
const STRATEGIES = ["delete", "keep_latest"] as const;
const ORIGINS = "TENURE_ALLOWED_ORIGINS";

export const SETTING_NAMES: readonly string[] = [...Object.keys(durations), ...Object.keys(numbers), STRATEGY, ORIGINS];

/** Defaults by name, for documents and for the tests that hold them against the policies. */
export const STANDARD: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries<Bounds>({ ...durations, ...numbers }).map(([name, { standard }]) => [name, standard]),
);

/** `problems` is empty when every setting can be used. A setting that is left out, or empty, has its default. */
export function readSettings(env: Record<string, string | undefined>): { settings: Settings; problems: string[] } {
  const problems: string[] = [];
  const read = (name: string, { standard, least, most }: Bounds, parse: (text: string) => number | undefined) => {
    const text = env[name]?.trim();
    if (!text || text === standard) return undefined;
    const value = parse(text);
    if (value !== undefined && value >= Number(parse(least)) && value <= Number(parse(most))) return value;
    problems.push(`${name} must be from ${least} to ${most}, like ${standard}, not "${text}"`);
    return undefined;
  };
  const duration = (name: keyof typeof durations) => read(name, durations[name], milliseconds);
  const number = (name: keyof typeof numbers) => read(name, numbers[name], wholeNumber);

  const idleMs = duration("TENURE_IDLE_TIMEOUT");
  const absoluteMs = duration("TENURE_ABSOLUTE_TIMEOUT");
  const standardMs = (name: keyof typeof durations) => milliseconds(durations[name].standard) as number;
  if ((idleMs ?? standardMs("TENURE_IDLE_TIMEOUT")) > (absoluteMs ?? standardMs("TENURE_ABSOLUTE_TIMEOUT")))
    problems.push("TENURE_IDLE_TIMEOUT must not be longer than TENURE_ABSOLUTE_TIMEOUT: sessions would end before it");
  const settings = {
    sessionPolicy: defined({
      idleMs,
      // A session that is in use is touched long before it idles out.
      touchEveryMs: idleMs && Math.min(UNITS.m, Math.floor(idleMs / 10)),
      absoluteMs,
      maxPerUser: number("TENURE_MAX_SESSIONS"),
    }),
    codePolicy: defined({
      ttlMs: duration("TENURE_CODE_TTL"),
      resendMs: duration("TENURE_CODE_RESEND"),
      attemptsPerCode: number("TENURE_CODE_ATTEMPTS"),
    }),
    ...defined({ threadTtlMs: duration("TENURE_THREAD_TTL"), memoryTtlMs: duration("TENURE_MEMORY_TTL") }),
    ...strategy(env[STRATEGY]?.trim(), problems),
    ...origins(env[ORIGINS], problems),
  };
  return { settings, problems };
}

function strategy(text: string | undefined, problems: string[]): Pick<Settings, "threadStrategy"> {
  const threadStrategy = STRATEGIES.find((one) => one === text);
  if (text && !threadStrategy) problems.push(`${STRATEGY} must be ${STRATEGIES.join(" or ")}, not "${text}"`);
  return threadStrategy ? { threadStrategy } : {};
}

function origins(text: string | undefined, problems: string[]): { allowedOrigins?: string[] | undefined } {
  const named = (text ?? "").split(/[\s,]+/).filter(Boolean);
  for (const one of named)
    if (!/^https?:\/\//.test(one) || !URL.canParse(one) || new URL(one).origin !== one)
      problems.push(`${ORIGINS}: "${one}" is not an origin like https://app.example.com, without a path or a star`);
  return named.length > 0 ? { allowedOrigins: [...new Set(named)] } : {};
}

const defined = (values: Record<string, number | undefined>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined));

/**
 * Keys for checkpoints at rest, from a text like `k2:<base64> k1:<base64>`: new checkpoints are stored under the first, and the others
 * stay for as long as anything is stored under them. Each has 32 bytes.
 *
 * @example
 * TENURE_CHECKPOINT_KEYS="k1:$(openssl rand -base64 32)" npm start
 */
export function readKeys(text: string): { encryption: EncryptionOptions } | { problem: string } {
  const entries = text
    .split(/[\s,]+/)
    .map((entry) => /^([\w-]{1,64}):([A-Za-z0-9+/_=-]+)$/.exec(entry)?.slice(1) ?? []);
  const keys = entries.map(([id, key]) => [id, Buffer.from(key ?? "", "base64")] as [string, Buffer]);
  if (keys.some(([id, key]) => !id || key.length !== KEY_BYTES) || new Set(keys.map(([id]) => id)).size < keys.length)
    return {
      problem: `the checkpoint keys must be like "k1:<base64 of ${KEY_BYTES} bytes>", each id once; openssl rand -base64 ${KEY_BYTES} makes one`,
    };
  return { encryption: { keys: Object.fromEntries(keys), current: (keys[0] as [string, Buffer])[0] } };
}

const wholeNumber = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

/** `30m` in milliseconds; undefined for what is no duration. */
function milliseconds(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * UNITS[unit as Unit];
}
