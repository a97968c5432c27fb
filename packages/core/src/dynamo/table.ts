import type { Clock } from "../clock.ts";
import { TenureError } from "../errors.ts";
import {
  attempt,
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  isConditionFailed,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from "./client.ts";

export interface Key {
  pk: string;
  sk: string;
}

export type Item = Key & Record<string, unknown>;

export interface QueryRange {
  pk: string;
  /** Only items whose sort key begins with this; all of the partition when left out. */
  prefix?: string;
  /** Only items whose sort key is smaller than this. DynamoDB takes one of `prefix`, `before` and `from` with `to`. */
  before?: string;
  /** Only items whose sort key is not smaller than `from` and not greater than `to`. */
  from?: string;
  to?: string;
  /** Also what has expired and is still there, which only a deletion wants. */
  withExpired?: boolean;
  descending?: boolean;
  /** How many items one page asks for; all that fit in 1 MB when left out. */
  pageSize?: number;
}

export interface Update {
  /** For example `SET #a = :a`. Names and values are those used in it and in the condition. */
  expression: string;
  condition?: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
}

function boundsOf({ prefix, before, from, to }: QueryRange): { condition: string; values: Record<string, string> } {
  if (from !== undefined && to !== undefined)
    return { condition: " AND sk BETWEEN :from AND :to", values: { ":from": from, ":to": to } };
  if (prefix !== undefined) return { condition: " AND begins_with(sk, :prefix)", values: { ":prefix": prefix } };
  return before === undefined
    ? { condition: "", values: {} }
    : { condition: " AND sk < :before", values: { ":before": before } };
}

/** For one request with its retries. A client brought along may have no time limit of its own. */
const REQUEST_DEADLINE_MS = 10_000;
const BATCH_SIZE = 25;
const BATCH_DEADLINE_MS = 10_000;

/** The table as one clock sees it: an item whose TTL has passed is not there, whether or not it was deleted. */
export class Table {
  private readonly client: DynamoDBDocumentClient;
  private readonly tableName: string;
  private readonly clock: Clock;

  constructor(options: { client: DynamoDBDocumentClient; tableName: string; clock: Clock }) {
    this.client = options.client;
    this.tableName = options.tableName;
    this.clock = options.clock;
  }

  /** One item, read consistently. */
  async get({ pk, sk }: Key): Promise<Item | undefined> {
    const command = new GetCommand({ TableName: this.tableName, Key: { pk, sk }, ConsistentRead: true });
    const { Item } = await attempt(this.send(command));
    return Item && this.isLive(Item as Item) ? (Item as Item) : undefined;
  }

  /** The items of a range in order, page by page, read consistently. */
  async *query(range: QueryRange): AsyncGenerator<Item> {
    const { pk, withExpired = false, descending = false, pageSize } = range;
    const bounds = boundsOf(range);
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
            ...(pageSize !== undefined && { Limit: pageSize }),
            ...(ExclusiveStartKey && { ExclusiveStartKey }),
          }),
        ),
      );
      for (const item of (page.Items ?? []) as Item[]) if (withExpired || this.isLive(item)) yield item;
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
    return this.unlessConditionFails(this.send(command));
  }

  /** Puts an item where there is no live one; false when there is. */
  async putIfAbsent(item: Item): Promise<boolean> {
    const command = new PutCommand({
      TableName: this.tableName,
      Item: item,
      ConditionExpression: "attribute_not_exists(pk) OR expiresAt <= :now",
      ExpressionAttributeValues: { ":now": Math.floor(this.clock.now() / 1000) },
    });
    return this.unlessConditionFails(this.send(command));
  }

  /** Updates an item; false when the condition does not hold. */
  async update({ pk, sk }: Key, { expression, condition, names, values }: Update): Promise<boolean> {
    const command = new UpdateCommand({
      TableName: this.tableName,
      Key: { pk, sk },
      UpdateExpression: expression,
      ...(condition !== undefined && { ConditionExpression: condition }),
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
    });
    return this.unlessConditionFails(this.send(command));
  }

  /** Puts all items, in no order. When it throws, some may have been put. */
  async putAll(items: Item[]): Promise<void> {
    await this.writeAll(items.map((Item) => ({ PutRequest: { Item } })));
  }

  /** Deletes all keys, in no order; absent ones do no harm. When it throws, some may have been deleted. */
  async deleteAll(keys: Key[]): Promise<void> {
    await this.writeAll(keys.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } })));
  }

  /** DynamoDB may leave parts of a batch undone: those are sent again, with growing pauses, until a deadline. */
  private async writeAll(requests: Record<string, unknown>[]): Promise<void> {
    for (let from = 0; from < requests.length; from += BATCH_SIZE) {
      let left = requests.slice(from, from + BATCH_SIZE);
      let waited = 0;
      for (let pause = 50; left.length > 0; pause = Math.min(pause * 2, 2_000)) {
        const command = new BatchWriteCommand({ RequestItems: { [this.tableName]: left } });
        const { UnprocessedItems } = await attempt(this.send(command));
        left = (UnprocessedItems?.[this.tableName] as Record<string, unknown>[] | undefined) ?? [];
        if (left.length === 0) break;
        if (waited > BATCH_DEADLINE_MS)
          throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "unknown" });
        const jittered = pause * (0.5 + Math.random() / 2);
        waited += jittered;
        await new Promise((resolve) => setTimeout(resolve, jittered));
      }
    }
  }

  private get send(): DynamoDBDocumentClient["send"] {
    const send = this.client.send.bind(this.client) as (command: unknown, options: object) => Promise<never>;
    return ((command: unknown) => send(command, { abortSignal: AbortSignal.timeout(REQUEST_DEADLINE_MS) })) as never;
  }

  private isLive({ expiresAt }: Item): boolean {
    return typeof expiresAt !== "number" || expiresAt * 1000 > this.clock.now();
  }

  private async unlessConditionFails(request: Promise<unknown>): Promise<boolean> {
    try {
      await attempt(request);
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }
}
