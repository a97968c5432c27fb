/**
 * Looks at both stores as this service uses them: whether they answer, whether its credentials count there, whether the table is
 * right, and whether Redis keeps what it is told to keep. For whoever runs this: `npm run doctor`, and deployed the worker
 * (docs/operations.md). Nothing is written, and no user's data is read.
 */
import { describeTable, type TableFacts, tableDefinition } from "@tenure/core/dynamo";
import { isTenureError, type StoreFault } from "@tenure/core/errors";
import { serverInfo } from "@tenure/core/redis";
import { connectStores, type HttpConfig, type Stores } from "../deps.ts";
import type { Outside } from "./faults.ts";

export interface Finding {
  store: "redis" | "dynamodb";
  /** Name of the check. */
  check: string;
  /** "unknown" where the store does not say. */
  state: "well" | "bad" | "unknown";
  /** The finding, and what to do where it is not well. */
  says: string;
}

/** No thread and no list has this name. */
const NOTHING = "doctor";

/** Remedies by a word of the fault; the table of docs/operations.md has more. */
const REMEDIES: [RegExp, string][] = [
  [/WRONGPASS|NOAUTH|Unauthorized/, "the token is not this database's: set the right one"],
  [/NOPERM/, "the token may only read: set the one that may write"],
  [/limit exceeded/, "the plan is used up: raise it"],
  [/ENOTFOUND|EAI_AGAIN/, "there is no such host: is the URL right?"],
  [/ECONNREFUSED/, "nothing listens there: is it started, and the address right?"],
  [/AccessDenied|NotAuthorized|KMS/, "the credentials lack a permission"],
  [/UnrecognizedClient|InvalidSignature|InvalidClientToken|CredentialsProvider/, "the credentials are unknown"],
  [/ExpiredToken/, "the credentials have expired"],
  [/no such index/, "the table has no index, or other keys: it is another table, or of an earlier version"],
  [/ResourceNotFound/, "there is no table of this name in this region"],
  [/Timeout|Abort/, "it did not answer in time"],
];

export async function examine(
  config: Pick<HttpConfig, "redis" | "dynamo" | "tableName" | "pepper" | "clock">,
): Promise<Finding[]> {
  const faults = new Map<Outside, StoreFault>();
  const stores = connectStores(config, (of, fault) => void faults.set(of, fault));
  const wrong = (store: Finding["store"], error: unknown): string => {
    const { error: name = "", code = "" } = faults.get(store) ?? {};
    const words = [name || (error instanceof Error ? error.message : String(error)), code].filter(Boolean).join(", ");
    const remedy = REMEDIES.find(([word]) => word.test(words))?.[1];
    return remedy ? `${words}: ${remedy}` : words;
  };
  try {
    const ask = (store: Finding["store"], look: (stores: Stores) => Promise<Finding[]>) =>
      look(stores).catch((error: unknown): Finding[] => [
        { store, check: "answers", state: "bad", says: wrong(store, error) },
      ]);
    const found = await Promise.all([
      ask("redis", aboutRedis),
      ask("dynamodb", (stores) => aboutDynamo(stores, config.tableName)),
    ]);
    return found.flat();
  } finally {
    stores.client.destroy();
  }
}

async function aboutRedis({ redis }: Stores): Promise<Finding[]> {
  const begun = performance.now();
  const info = await serverInfo(redis);
  const answers = took(begun);
  const of = (check: string, state: Finding["state"], says: string): Finding => ({
    store: "redis",
    check,
    state,
    says,
  });
  const policy = info.get("maxmemory_policy");
  const log = info.get("aof_enabled");
  return [
    of("answers", "well", answers),
    policy === undefined
      ? of("eviction", "unknown", "it does not say: see to it that eviction is off, in Upstash's console for one")
      : policy === "noeviction"
        ? of("eviction", "well", "off")
        : of(
            "eviction",
            "bad",
            `${policy}: sessions and counters can go before their time; set maxmemory-policy noeviction`,
          ),
    log === undefined
      ? of("persistence", "unknown", "it does not say; Upstash persists each write")
      : log === "1"
        ? of("persistence", "well", "each write is logged")
        : of(
            "persistence",
            "bad",
            "snapshots at most: a restart brings back sessions that had ended. Set appendonly yes, and after each restart: npm run generation",
          ),
  ];
}

async function aboutDynamo({ client, table }: Stores, tableName: string): Promise<Finding[]> {
  const begun = performance.now();
  await table.ping();
  const answers = took(begun);
  for await (const _ of table.queryIndex(tableDefinition.index.name, NOTHING)) break;
  const of = (check: string, state: Finding["state"], says: string): Finding => ({
    ...{ store: "dynamodb", check, state, says },
  });
  let facts: TableFacts | undefined;
  try {
    facts = await describeTable(client, tableName);
  } catch (error) {
    if (!isTenureError(error, "store-unavailable")) throw error;
  }
  const { ttlAttribute } = tableDefinition;
  return [
    of("answers", "well", answers),
    of("table and index", "well", `${tableName}, ${tableDefinition.index.name}`),
    facts === undefined
      ? of("expiry", "unknown", `this role may not ask: TTL is to be on, by ${ttlAttribute}`)
      : facts.ttlAttribute === ttlAttribute
        ? of("expiry", "well", `TTL is on, by ${ttlAttribute}`)
        : of(
            "expiry",
            "bad",
            `TTL is ${facts.ttlAttribute ?? "off"}: expired items are never deleted; turn it on, by ${ttlAttribute}`,
          ),
  ];
}

const took = (begun: number) => `within ${Math.ceil(performance.now() - begun)} ms`;

/** Findings as lines for a terminal, and whether all is well. */
export function report(findings: readonly Finding[]): { lines: string[]; isWell: boolean } {
  const width = Math.max(...findings.map(({ store, check }) => store.length + check.length + 1));
  const lines = findings.map(
    ({ store, check, state, says }) => `${state.padEnd(7)} ${`${store} ${check}`.padEnd(width)}  ${says}`,
  );
  return { lines, isWell: findings.every(({ state }) => state !== "bad") };
}
