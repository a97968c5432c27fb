import {
  BaseStore,
  type GetOperation,
  type ListNamespacesOperation,
  type MatchCondition,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
  type Item as StoreItem,
} from "@langchain/langgraph-checkpoint";
import { type Clock, systemClock } from "../clock.ts";
import { Fields, isObject } from "../damage.ts";
import {
  asDocumentClient,
  type DynamoDBClient,
  type DynamoDBDocumentClient,
  guarded,
  type Item,
  type Key,
  Table,
} from "../dynamo/index.ts";
import { invalidInput, TenureError } from "../errors.ts";
import { meets } from "./filter.ts";

export interface DynamoDBStoreOptions {
  /** A DynamoDB client or document client; the store never closes it. */
  client: DynamoDBClient | DynamoDBDocumentClient;
  /** A table with the string keys `pk` and `sk`, and TTL on `expiresAt` (epoch seconds) if items are to expire. */
  tableName: string;
  /** The owner of the items: stores with different scopes do not see one another's. */
  scope: string;
  /** The time that items live after they were put, in milliseconds; for good when left out. */
  ttlMs?: number | undefined;
  clock?: Clock | undefined;
}

/** More than this does not fit into an item with its names. */
const MAX_VALUE_BYTES = 380_000;

/**
 * LangGraph's long-term memory on DynamoDB. Reads are consistent; an expired item is absent, whether or not DynamoDB has
 * deleted it. A search reads what is below its prefix and filters that; `query` asks for vectors, which this has not.
 * An item that cannot be read is a `FoundItem` with `error` in a search, and `get` throws that (`record-damaged`).
 * Throws `store-unavailable` when DynamoDB does not answer in time, `invalid-input` for a name or a value that cannot be.
 */
export class DynamoDBStore extends BaseStore {
  private readonly table: Table;
  private readonly pk: string;
  private readonly ttlMs: number | undefined;
  private readonly clock: Clock;

  constructor({ client, tableName, scope, ttlMs, clock = systemClock }: DynamoDBStoreOptions) {
    super();
    this.table = new Table({ client: asDocumentClient(client), tableName, clock });
    this.pk = `store#${scope}`;
    this.ttlMs = ttlMs;
    this.clock = clock;
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const results: unknown[] = [];
    // In order: a batch may read what it has put.
    for (const operation of operations) results.push(await this.perform(operation));
    return results as OperationResults<Op>;
  }

  /** As `put`, with a lifetime of its own in milliseconds; for good when that is undefined. */
  async putFor(
    namespace: string[],
    key: string,
    value: Record<string, unknown>,
    ttlMs: number | undefined,
  ): Promise<void> {
    const itemKey = this.keyOf(namespace, key);
    const text = JSON.stringify(value);
    if (Buffer.byteLength(text) > MAX_VALUE_BYTES)
      throw invalidInput(
        `value: has ${Buffer.byteLength(text)} bytes as JSON, more than the ${MAX_VALUE_BYTES} of an item`,
      );
    const now = this.clock.now();
    const expiry = ttlMs === undefined ? {} : { expiresAt: Math.ceil((now + ttlMs) / 1000) };
    if (expiry.expiresAt !== undefined && !Number.isSafeInteger(expiry.expiresAt))
      throw invalidInput(`ttl: ${ttlMs} milliseconds are no length of time that can be kept`);
    const names = { "#value": "value", "#namespace": "namespace", "#name": "name" };
    const lasting = { "#expires": "expiresAt", "#ttl": "ttlMs" };
    const before = await this.table.get(itemKey);
    await this.table.update(itemKey, {
      expression: `SET #value = :value, #namespace = :namespace, #name = :name, createdAt = :created, updatedAt = :now${
        ttlMs === undefined ? " REMOVE #expires, #ttl" : ", #expires = :expires, #ttl = :ttl"
      }`,
      names: { ...names, ...lasting },
      values: {
        ":value": text,
        ":namespace": JSON.stringify(namespace),
        ":name": key,
        ":created": typeof before?.createdAt === "number" ? before.createdAt : now,
        // Later than the last one, also within one millisecond.
        ":now": Math.max(now, typeof before?.updatedAt === "number" ? before.updatedAt + 1 : 0),
        ...(expiry.expiresAt !== undefined && { ":expires": expiry.expiresAt, ":ttl": ttlMs }),
      },
    });
  }

  /**
   * Has an item live as long again from now on as when it was put, as a read that refreshes does. One that has expired stays
   * absent, and one that is kept for good stays. Idempotent, but for the instant.
   */
  async refresh(namespace: string[], key: string): Promise<void> {
    const itemKey = this.keyOf(namespace, key);
    const item = await this.table.get(itemKey);
    if (typeof item?.ttlMs !== "number") return;
    const now = this.clock.now();
    await this.table.update(itemKey, {
      expression: "SET #expires = :until",
      condition: "#expires = :seen AND #expires > :now",
      names: { "#expires": "expiresAt" },
      values: { ":until": Math.ceil((now + item.ttlMs) / 1000), ":seen": item.expiresAt, ":now": now / 1000 },
    });
  }

  /** Deletes everything of this scope. Idempotent; when it throws, call it again. */
  async deleteAll(): Promise<void> {
    await this.table.deleteRange({ pk: this.pk });
  }

  private perform(operation: Operation): Promise<unknown> {
    if ("namespacePrefix" in operation) return this.find(operation);
    if ("value" in operation) return guarded(() => this.write(operation));
    if ("key" in operation) return this.read(operation);
    return this.namespaces(operation);
  }

  private async read({ namespace, key }: GetOperation): Promise<StoreItem | null> {
    const item = await this.table.get(this.keyOf(namespace, key));
    if (!item) return null;
    const { error, ...found } = toItem(item);
    if (error) throw error;
    return found;
  }

  private async write({ namespace, key, value }: PutOperation): Promise<void> {
    if (value === null) await this.table.deleteAll([this.keyOf(namespace, key)]);
    else await this.putFor(namespace, key, value, this.ttlMs);
  }

  private async find({
    namespacePrefix,
    filter,
    limit = 10,
    offset = 0,
    query,
  }: SearchOperation): Promise<SearchItem[]> {
    if (query) throw new TenureError({ tag: "not-implemented", feature: "search by meaning (query)" });
    const found: FoundItem[] = [];
    let skip = offset;
    if (limit <= 0) return found;
    for await (const item of this.below(namespacePrefix)) {
      const one = toItem(item);
      if (filter && !one.error && !meets(one.value, filter)) continue;
      if (skip-- > 0) continue;
      found.push(one);
      if (found.length === limit) break;
    }
    return found;
  }

  private async namespaces({
    matchConditions = [],
    maxDepth,
    limit,
    offset,
  }: ListNamespacesOperation): Promise<string[][]> {
    const prefix = matchConditions.find(({ matchType, path }) => matchType === "prefix" && !path.includes("*"))?.path;
    const found = new Map<string, string[]>();
    for await (const { sk } of this.below(prefix ?? [])) {
      const [path] = partsOf(sk);
      if (!matchConditions.every((condition) => matches(path, condition))) continue;
      const shown = path.slice(0, maxDepth);
      found.set(JSON.stringify(shown), shown);
    }
    const order = (path: string[]) => path.map(encodeLabel).join("/");
    const sorted = [...found.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return sorted.slice(offset, offset + limit);
  }

  private below(prefix: string[]): AsyncGenerator<Item> {
    return this.table.query({ pk: this.pk, prefix: prefix.map((label) => `${encodeLabel(label)}/`).join("") });
  }

  private keyOf(namespace: string[], key: string): Key {
    const sk = `${namespace.map((label) => `${encodeLabel(label)}/`).join("")}#${encodeLabel(key)}`;
    if (Buffer.byteLength(sk) > 1024) throw invalidInput("namespace and key: are longer than 1,000 bytes together");
    return { pk: this.pk, sk };
  }
}

/** `/` ends a label and `#` begins the key, so both are escaped within. */
const encodeLabel = (label: string) =>
  label.replace(/[%/#]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The namespace and the key that a sort key was made from. */
function partsOf(sk: string): [namespace: string[], key: string] {
  const end = sk.lastIndexOf("#");
  const labels = sk.slice(0, end).split("/").slice(0, -1);
  return [labels.map(decodeLabel), decodeLabel(sk.slice(end + 1))];
}

const decodeLabel = (label: string) =>
  label.replace(/%(25|2F|23)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** An item of a search. One that cannot be read has an empty value and says what is wrong. */
export interface FoundItem extends SearchItem {
  error?: TenureError | undefined;
}

const ADVICE = "Put the item anew, or delete it.";

function toItem(item: Item): FoundItem {
  const fields = new Fields(item);
  const [namespace, key] = partsOf(item.sk);
  const value = fields.json("value", isObject, {});
  const createdAt = fields.instant("createdAt");
  const found = {
    namespace,
    key,
    value,
    createdAt: toDate(createdAt),
    updatedAt: toDate(fields.instant("updatedAt", createdAt)),
  };
  const { damage } = fields.damage(`item ${key} of ${namespace.join(".")}`, ADVICE);
  return damage ? { ...found, error: new TenureError({ tag: "record-damaged", ...damage }) } : found;
}

// biome-ignore lint/style/noRestrictedGlobals: LangGraph's interface has dates; no time is read.
const toDate = (instant: number) => new Date(instant);

function matches(path: string[], { matchType, path: wanted }: MatchCondition): boolean {
  if (path.length < wanted.length) return false;
  const part = matchType === "prefix" ? path.slice(0, wanted.length) : path.slice(-wanted.length);
  return wanted.length === 0 || wanted.every((label, i) => label === "*" || label === part[i]);
}
