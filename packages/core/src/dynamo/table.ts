import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.ts";
import { withDeadline } from "../deadline.ts";
import { TenureError } from "../errors.ts";
import { pauses } from "./again.ts";
import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from "./client.ts";
import { attempt, isConditionFailed, isPassing, outcomeOf } from "./faults.ts";
import { type Format, formatOf } from "./format.ts";
import { checkGuard } from "./guard.ts";

export interface Key {
  pk: string;
  sk: string;
}

export type Item = Key & Record<string, unknown>;

export interface IndexRange {
  descending?: boolean | undefined;
  /** The number of items that the first request asks for; all that fit in 1 MB when left out, as with each further one. */
  firstPage?: number | undefined;
  /** Only items whose `isk` is smaller than this. */
  below?: string | undefined;
}

export interface QueryRange {
  pk: string;
  /** Only items whose sort key begins with this; all of the partition when left out or empty. */
  prefix?: string | undefined;
  /** Only items whose sort key is smaller than this. DynamoDB takes one of `prefix`, `before` and `from` with `to`. */
  before?: string | undefined;
  /** Only items whose sort key is not smaller than `from` and not greater than `to`. */
  from?: string | undefined;
  to?: string | undefined;
  /** Also what has expired and is still there, which only a deletion wants. */
  withExpired?: boolean | undefined;
  descending?: boolean | undefined;
  /** The number of items that the first page asks for, doubled with each further one; all that fit in 1 MB when left out. */
  pageSize?: number | undefined;
}

export interface Update {
  /** For example `SET #a = :a`. Names and values are those used in it and in the condition. */
  expression: string;
  condition?: string | undefined;
  names: Record<string, string>;
  values: Record<string, unknown>;
  /** True when an item that does not meet the condition is what this very update made: its answer may have been lost. */
  isOwn?: (item: Item) => boolean;
}

/** Undefined for a range that no key is in: DynamoDB refuses some of these, and an empty text as the bound of a key. */
function boundsOf(range: QueryRange): { condition: string; values: Record<string, string> } | undefined {
  const { prefix, before, from, to } = range;
  if (from !== undefined && to !== undefined) {
    if (to < from || to === "") return undefined;
    if (from === "") return { condition: " AND sk <= :to", values: { ":to": to } };
    return { condition: " AND sk BETWEEN :from AND :to", values: { ":from": from, ":to": to } };
  }
  if (prefix) return { condition: " AND begins_with(sk, :prefix)", values: { ":prefix": prefix } };
  if (before === "") return undefined;
  return before === undefined
    ? { condition: "", values: {} }
    : { condition: " AND sk < :before", values: { ":before": before } };
}

/** For one request with the client's own retries. A client brought along may have no time limit of its own. */
const REQUEST_DEADLINE_MS = 10_000;
/** The time for which a request is sent again after failures that may pass, in milliseconds. */
const RETRY_MS = 10_000;
/** No timer of a process that runs is as late as this. */
const FROZEN_MS = 2_000;
/** No page of 1 MB has many more. */
const MAX_PAGE_SIZE = 1000;
const BATCH_SIZE = 25;
const BATCH_DEADLINE_MS = 10_000;

/** The table as one clock sees it: an item whose TTL has passed is not there, whether or not it was deleted. */
export class Table {
  private readonly client: DynamoDBDocumentClient;
  private readonly tableName: string;
  private readonly clock: Clock;
  private readonly format: Format;
  /** Failed conditions of requests that were sent more than once. */
  private readonly repeated = new WeakSet<Error>();

  constructor(options: { client: DynamoDBDocumentClient; tableName: string; clock: Clock }) {
    this.client = options.client;
    this.tableName = options.tableName;
    this.clock = options.clock;
    this.format = formatOf(options.client, {
      tableName: options.tableName,
      send: (command) => this.insist(command) as Promise<never>,
    });
  }

  /** Resolves when the table answers a read; throws `store-unavailable` otherwise. */
  async ping(): Promise<void> {
    await this.get({ pk: "ping", sk: "ping" });
  }

  /** Reads one item consistently. */
  async get({ pk, sk }: Key): Promise<Item | undefined> {
    const command = new GetCommand({ TableName: this.tableName, Key: { pk, sk }, ConsistentRead: true });
    const { Item } = await attempt(this.send(command));
    return Item && this.isLive(Item as Item) ? (Item as Item) : undefined;
  }

  /** The items of a range in order, page by page, read consistently. */
  async *query(range: QueryRange): AsyncGenerator<Item> {
    const { pk, withExpired = false, descending = false } = range;
    let { pageSize } = range;
    const bounds = boundsOf(range);
    if (!bounds) return;
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await attempt(
        this.send(
          new QueryCommand({
            TableName: this.tableName,
            ConsistentRead: true,
            ScanIndexForward: !descending,
            KeyConditionExpression: `pk = :pk${bounds.condition}`,
            ExpressionAttributeValues: { ":pk": pk, ...bounds.values },
            ...(pageSize !== undefined && { Limit: Math.max(1, pageSize) }),
            ...(ExclusiveStartKey && { ExclusiveStartKey }),
          }),
        ),
      );
      for (const item of (page.Items ?? []) as Item[]) if (withExpired || this.isLive(item)) yield item;
      ExclusiveStartKey = page.LastEvaluatedKey;
      if (pageSize !== undefined) pageSize = Math.min(2 * pageSize, MAX_PAGE_SIZE);
    } while (ExclusiveStartKey);
  }

  /** The live items of one partition of an index, in the order of `isk`. An index may be some moments behind its table. */
  async *queryIndex(
    IndexName: string,
    ipk: string,
    { descending = false, firstPage, below }: IndexRange = {},
  ): AsyncGenerator<Item> {
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await attempt(
        this.send(
          new QueryCommand({
            TableName: this.tableName,
            IndexName,
            ScanIndexForward: !descending,
            KeyConditionExpression: below === undefined ? "ipk = :ipk" : "ipk = :ipk AND isk < :below",
            ExpressionAttributeValues: { ":ipk": ipk, ...(below !== undefined && { ":below": below }) },
            ...(firstPage !== undefined && !ExclusiveStartKey && { Limit: Math.max(1, firstPage) }),
            ...(ExclusiveStartKey && { ExclusiveStartKey }),
          }),
        ),
      );
      for (const item of (page.Items ?? []) as Item[]) if (this.isLive(item)) yield item;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  /** The keys of all live items whose sort key begins with `prefix`. Reads the whole table. */
  async *scanKeys(prefix: string): AsyncGenerator<Key> {
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await attempt(
        this.send(
          new ScanCommand({
            TableName: this.tableName,
            ConsistentRead: true,
            FilterExpression: "begins_with(sk, :prefix)",
            ProjectionExpression: "pk, sk, expiresAt",
            ExpressionAttributeValues: { ":prefix": prefix },
            ...(ExclusiveStartKey && { ExclusiveStartKey }),
          }),
        ),
      );
      for (const { pk, sk, ...rest } of (page.Items ?? []) as Item[])
        if (this.isLive({ pk, sk, ...rest })) yield { pk, sk };
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  async put(item: Item): Promise<void> {
    await attempt(this.send(new PutCommand({ TableName: this.tableName, Item: item })));
  }

  /** Puts an item where there is none, live or not; false when there is. */
  async putNew(item: Item): Promise<boolean> {
    const command = new PutCommand({
      TableName: this.tableName,
      Item: item,
      ConditionExpression: "attribute_not_exists(pk)",
    });
    return (await this.unlessConditionFails(command, item, (found) => isSame(found, item))) !== undefined;
  }

  /** Puts an item where there is no live one; false when there is. */
  async putIfAbsent(item: Item): Promise<boolean> {
    const command = new PutCommand({
      TableName: this.tableName,
      Item: item,
      ConditionExpression: "attribute_not_exists(pk) OR expiresAt <= :now",
      ExpressionAttributeValues: { ":now": Math.floor(this.clock.now() / 1000) },
    });
    return (await this.unlessConditionFails(command, item, (found) => isSame(found, item))) !== undefined;
  }

  /** Updates an item; false when the condition does not hold. */
  async update(key: Key, update: Update): Promise<boolean> {
    return (await this.change(key, update, "NONE")) !== undefined;
  }

  /** Updates an item and answers with it as it is then; undefined when the condition does not hold. */
  updated(key: Key, update: Update): Promise<Item | undefined> {
    return this.change(key, update, "ALL_NEW");
  }

  private change(
    { pk, sk }: Key,
    { expression, condition, names, values, isOwn }: Update,
    ReturnValues: "ALL_NEW" | "NONE",
  ): Promise<Item | undefined> {
    const command = new UpdateCommand({
      TableName: this.tableName,
      Key: { pk, sk },
      UpdateExpression: expression,
      ReturnValues,
      ...(condition !== undefined && { ConditionExpression: condition }),
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
    });
    return this.unlessConditionFails(command, { pk, sk }, isOwn);
  }

  /**
   * Deletes an item whose attributes have these values; one with another value, or none, stays, and then this is false.
   * Idempotent.
   */
  async deleteWhere({ pk, sk }: Key, attributes: Record<string, string | number>): Promise<boolean> {
    const all = Object.entries(attributes);
    const command = new DeleteCommand({
      TableName: this.tableName,
      Key: { pk, sk },
      ConditionExpression: all.map((_, n) => `#a${n} = :a${n}`).join(" AND "),
      ExpressionAttributeNames: Object.fromEntries(all.map(([name], n) => [`#a${n}`, name])),
      ExpressionAttributeValues: Object.fromEntries(all.map(([, value], n) => [`:a${n}`, value])),
    });
    return (await this.unlessConditionFails(command, { pk, sk })) !== undefined;
  }

  /** Puts all items, in no order. When it throws, some may have been put. */
  async putAll(items: Item[]): Promise<void> {
    await this.writeAll(items.map((Item) => ({ PutRequest: { Item } })));
  }

  /** Deletes all keys, in no order; absent ones do no harm. When it throws, some may have been deleted. */
  async deleteAll(keys: Key[]): Promise<void> {
    await this.writeAll(keys.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } })));
  }

  /**
   * Deletes the items of a range, expired ones too, or those of them that `isMeant` says. Items that come into the range meanwhile may stay.
   * When it throws, some may have been deleted: call it again.
   */
  async deleteRange(range: QueryRange, isMeant: (item: Item) => boolean = () => true): Promise<void> {
    const keys: Key[] = [];
    for await (const item of this.query({ ...range, withExpired: true }))
      if (isMeant(item)) keys.push({ pk: item.pk, sk: item.sk });
    await this.deleteAll(keys);
  }

  /** DynamoDB may leave parts of a batch undone: those are sent again, with growing pauses, until a deadline. */
  private async writeAll(requests: Record<string, unknown>[]): Promise<void> {
    for (let from = 0; from < requests.length; from += BATCH_SIZE) {
      let left = requests.slice(from, from + BATCH_SIZE);
      for (const pause of pauses(BATCH_DEADLINE_MS)) {
        const command = new BatchWriteCommand({ RequestItems: { [this.tableName]: left } });
        const { UnprocessedItems } = await attempt(this.send(command));
        left = (UnprocessedItems?.[this.tableName] as Record<string, unknown>[] | undefined) ?? [];
        if (left.length === 0) break;
        await pause();
      }
      if (left.length > 0) throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "unknown" });
    }
  }

  /** `insist`, once the table's format is known to be one of ours. */
  private get send(): DynamoDBDocumentClient["send"] {
    const send = async (command: unknown) => {
      if (isRead(command)) await this.format.check();
      else await this.format.mark();
      return this.insist(command);
    };
    return send as never;
  }

  /**
   * Sends a request until it is answered or it is too late. The client itself may try again and may not: one that
   * was brought along has limits of its own.
   */
  private async insist(command: unknown): Promise<unknown> {
    const send = this.client.send.bind(this.client) as (command: unknown, options: object) => Promise<unknown>;
    let failure: unknown;
    let times = pauses(RETRY_MS);
    for (let pause = times.next(); !pause.done; pause = times.next()) {
      if (!isRead(command)) checkGuard();
      const sent = performance.now();
      try {
        return await withDeadline(REQUEST_DEADLINE_MS, (abortSignal) => send(command, { abortSignal }));
      } catch (error) {
        if (isConditionFailed(error) && (failure !== undefined || attemptsOf(error) > 1))
          this.repeated.add(error as Error);
        if (!isPassing(error)) {
          if (isConditionFailed(error)) throw error;
          // The answer to this attempt does not tell what an earlier one did.
          if (failure !== undefined && outcomeOf(failure) === "unknown" && outcomeOf(error) === "not-applied")
            throw failure;
          throw error;
        }
        // An attempt whose outcome is unknown makes the outcome of the whole request unknown.
        if (failure === undefined || outcomeOf(failure) === "not-applied") failure = error;
      }
      // Time for which this process was frozen does not count against DynamoDB.
      if (performance.now() - sent > REQUEST_DEADLINE_MS + FROZEN_MS) times = pauses(RETRY_MS);
      await pause.value();
    }
    throw failure;
  }

  private isLive({ expiresAt }: Item): boolean {
    return typeof expiresAt !== "number" || expiresAt * 1000 > this.clock.now();
  }

  /**
   * The item as the request has left it, as far as it tells; undefined when its condition failed. One that was sent more
   * than once may have failed by what it had done itself.
   */
  private async unlessConditionFails(
    command: PutCommand | UpdateCommand | DeleteCommand,
    key: Key,
    isOwn: (found: Item) => boolean = () => false,
  ): Promise<Item | undefined> {
    try {
      const { Attributes } = await attempt(this.send(command as PutCommand));
      return (Attributes ?? key) as Item;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      if (!this.repeated.has(error as Error)) return undefined;
      const found = await this.get(key);
      return found && isOwn(found) ? found : undefined;
    }
  }
}

const isRead = (command: unknown): boolean =>
  command instanceof GetCommand || command instanceof QueryCommand || command instanceof ScanCommand;

const attemptsOf = (error: unknown): number =>
  (error as { $metadata?: { attempts?: number } | undefined }).$metadata?.attempts ?? 1;

/** Cloning makes any bytes a plain Uint8Array, which is what DynamoDB gives back. */
const isSame = (found: Item, item: Item): boolean => isDeepStrictEqual(structuredClone(found), structuredClone(item));
