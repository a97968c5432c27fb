import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.ts";
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
import { Delivery, isRead } from "./delivery.ts";
import { attempt, isConditionFailed } from "./faults.ts";
import { type Format, formatOf } from "./format.ts";
import { boundsOf, type IndexRange, type QueryRange } from "./range.ts";

export interface Key {
  pk: string;
  sk: string;
}

export type Item = Key & Record<string, unknown>;

export interface Update {
  /** For example `SET #a = :a`. Names and values are those used in it and in the condition. */
  expression: string;
  condition?: string | undefined;
  names: Record<string, string>;
  values: Record<string, unknown>;
  /** True when an item that does not meet the condition is what this very update made: its answer may have been lost. */
  isOwn?: (item: Item) => boolean;
}

/** No page of 1 MB has many more. */
const MAX_PAGE_SIZE = 1000;
const BATCH_SIZE = 25;
const BATCH_DEADLINE_MS = 10_000;

/** Where a page begins: nowhere for the first. */
interface PageStart {
  ExclusiveStartKey?: Record<string, unknown> | undefined;
}

/** The table as one clock sees it: an item whose TTL has passed is not there, whether or not it was deleted. */
export class Table {
  private readonly tableName: string;
  private readonly clock: Clock;
  private readonly format: Format;
  private readonly delivery: Delivery;

  constructor(options: { client: DynamoDBDocumentClient; tableName: string; clock: Clock }) {
    this.tableName = options.tableName;
    this.clock = options.clock;
    this.delivery = new Delivery(options.client);
    this.format = formatOf(options.client, {
      tableName: options.tableName,
      send: (command) => this.delivery.send(command) as Promise<never>,
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
    const { pk, withExpired = false, descending = false, pageSize = Number.POSITIVE_INFINITY } = range;
    const bounds = boundsOf(range);
    if (!bounds) return;
    const query = {
      ...{ TableName: this.tableName, ConsistentRead: true, ScanIndexForward: !descending },
      KeyConditionExpression: `pk = :pk${bounds.condition}`,
      ExpressionAttributeValues: { ":pk": pk, ...bounds.values },
    };
    const items = this.pages((from, n) => {
      const limit = Math.min(pageSize * 2 ** n, Math.max(pageSize, MAX_PAGE_SIZE));
      return new QueryCommand({ ...query, ...from, ...(Number.isFinite(limit) && { Limit: Math.max(1, limit) }) });
    });
    for await (const item of items) if (withExpired || this.isLive(item)) yield item;
  }

  /** The live items of one partition of an index, in the order of `isk`. An index may be some moments behind its table. */
  async *queryIndex(
    IndexName: string,
    ipk: string,
    { descending = false, firstPage, below }: IndexRange = {},
  ): AsyncGenerator<Item> {
    const query = {
      ...{ TableName: this.tableName, IndexName, ScanIndexForward: !descending },
      KeyConditionExpression: below === undefined ? "ipk = :ipk" : "ipk = :ipk AND isk < :below",
      ExpressionAttributeValues: { ":ipk": ipk, ...(below !== undefined && { ":below": below }) },
    };
    const items = this.pages((from, n) => {
      const isBounded = firstPage !== undefined && n === 0;
      return new QueryCommand({ ...query, ...from, ...(isBounded && { Limit: Math.max(1, firstPage) }) });
    });
    for await (const item of items) if (this.isLive(item)) yield item;
  }

  /** The keys of all live items whose sort key begins with `prefix`. Reads the whole table. */
  async *scanKeys(prefix: string): AsyncGenerator<Key> {
    const scan = {
      ...{ TableName: this.tableName, ConsistentRead: true },
      FilterExpression: "begins_with(sk, :prefix)",
      ProjectionExpression: "pk, sk, expiresAt",
      ExpressionAttributeValues: { ":prefix": prefix },
    };
    for await (const item of this.pages((from) => new ScanCommand({ ...scan, ...from })))
      if (this.isLive(item)) yield { pk: item.pk, sk: item.sk };
  }

  /** The items of one page after the other, live or not, until there is none. `command` makes the request for page `n`, the first of which is 0. */
  private async *pages(command: (from: PageStart, n: number) => QueryCommand | ScanCommand): AsyncGenerator<Item> {
    let from: PageStart = {};
    for (let n = 0; ; n++) {
      const page = await attempt(this.send(command(from, n) as QueryCommand));
      yield* (page.Items ?? []) as Item[];
      if (!page.LastEvaluatedKey) return;
      from = { ExclusiveStartKey: page.LastEvaluatedKey };
    }
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

  /** Sends a command, once the table's format is known to be one of ours. */
  private get send(): DynamoDBDocumentClient["send"] {
    const send = async (command: unknown) => {
      if (isRead(command)) await this.format.check();
      else await this.format.mark();
      return this.delivery.send(command);
    };
    return send as never;
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
      if (!this.delivery.isRepeated(error)) return undefined;
      const found = await this.get(key);
      return found && isOwn(found) ? found : undefined;
    }
  }
}

/** Cloning makes any bytes a plain Uint8Array, which is what DynamoDB gives back. */
const isSame = (found: Item, item: Item): boolean => isDeepStrictEqual(structuredClone(found), structuredClone(item));
