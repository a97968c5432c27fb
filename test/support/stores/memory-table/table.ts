/**
 * A DynamoDB table in memory: keys `pk` and `sk`, one index on `ipk` and `isk`, and the commands that core sends. Each command
 * is carried out at once and whole, in the order of the calls. It has no limits of size and charges nothing.
 */
import { holds, type Item, type Scope, updated } from "./expressions.ts";

export interface Command {
  constructor: { name: string };
  input: object;
}

type Keyed = Item & { pk: string; sk: string };

/** Items by a sort key, in the order of that key. */
class Sorted {
  readonly items = new Map<string, Keyed>();
  readonly keys: string[] = [];

  /** Returns the number of keys that are smaller than `key` or, with `orEqual`, not greater. */
  rank(key: string, orEqual = false): number {
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.keys[middle] ?? "";
      if (at < key || (orEqual && at === key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  set(key: string, item: Keyed): void {
    if (!this.items.has(key)) this.keys.splice(this.rank(key), 0, key);
    this.items.set(key, item);
  }

  delete(key: string): void {
    if (this.items.delete(key)) this.keys.splice(this.rank(key), 1);
  }
}

class Partitions {
  private readonly all = new Map<string, Sorted>();

  of(name: string): Sorted {
    const known = this.all.get(name) ?? new Sorted();
    this.all.set(name, known);
    return known;
  }

  *items(): Generator<Keyed> {
    for (const { keys, items } of this.all.values()) for (const key of keys) yield items.get(key) as Keyed;
  }
}

/** How one item is in the index. */
interface Place {
  ipk: string;
  isk: string;
}

export interface MemoryTableOptions {
  /** Called with what brings the index up to date with one write; runs it at once when left out. */
  later?: (refresh: () => void) => void;
  /** The most items of one page of a query; no limit when left out. */
  pageSize?: () => number;
  /** True when items are copied as they come and go. Where nobody changes them, false costs less. Default true. */
  copies?: boolean;
}

export class MemoryTable {
  private readonly table = new Partitions();
  private readonly index = new Partitions();
  private readonly places = new Map<string, Place>();
  private readonly later: (refresh: () => void) => void;
  private readonly pageSize: () => number;
  readonly copy: <T>(value: T) => T;

  constructor(options: MemoryTableOptions = {}) {
    const { later = (refresh) => refresh(), pageSize = () => Number.POSITIVE_INFINITY, copies = true } = options;
    this.later = later;
    this.pageSize = pageSize;
    this.copy = copies ? copy : (value) => value;
  }

  /** The answer to a command; throws as the SDK does. */
  execute({ constructor: { name }, input }: Command): Record<string, unknown> {
    const answer = ANSWERS[name];
    if (!answer) throw new Error(`the table in memory has no ${name}`);
    return answer.call(this, input as never);
  }

  *items(): Generator<Keyed> {
    yield* this.table.items();
  }

  find({ pk, sk }: { pk: string; sk: string }): Keyed | undefined {
    return this.table.of(pk).items.get(sk);
  }

  check(before: Keyed | undefined, { ConditionExpression, ...input }: Conditional): void {
    if (ConditionExpression === undefined || holds(ConditionExpression, scopeOf(before, input))) return;
    throw Object.assign(new Error("The conditional request failed"), {
      name: "ConditionalCheckFailedException",
      $metadata: { httpStatusCode: 400, attempts: 1 },
    });
  }

  write({ pk, sk }: { pk: string; sk: string }, item: Keyed | undefined): void {
    if (item) this.table.of(pk).set(sk, item);
    else this.table.of(pk).delete(sk);
    this.later(() => this.refresh(pk, sk, item));
  }

  private refresh(pk: string, sk: string, item: Keyed | undefined): void {
    const key = JSON.stringify([pk, sk]);
    const before = this.places.get(key);
    if (before) this.index.of(before.ipk).delete(`${before.isk}\u0000${key}`);
    this.places.delete(key);
    if (typeof item?.ipk !== "string" || typeof item.isk !== "string") return;
    this.index.of(item.ipk).set(`${item.isk}\u0000${key}`, item);
    this.places.set(key, { ipk: item.ipk, isk: item.isk });
  }

  range(query: Query): Record<string, unknown> {
    const { IndexName, ScanIndexForward = true, Limit = Number.POSITIVE_INFINITY, ExclusiveStartKey: start } = query;
    const values = query.ExpressionAttributeValues;
    const sorted = IndexName ? this.index.of(values[":ipk"] ?? "") : this.table.of(values[":pk"] ?? "");
    const keyOf = (item: Keyed) => (IndexName ? `${item.isk}\u0000${JSON.stringify([item.pk, item.sk])}` : item.sk);
    let [first, end] = boundsIn(sorted, query);
    if (start && ScanIndexForward) first = Math.max(first, sorted.rank(keyOf(start), true));
    if (start && !ScanIndexForward) end = Math.min(end, sorted.rank(keyOf(start)));
    const limit = Math.min(Limit, this.pageSize());
    const count = Math.min(limit, Math.max(0, end - first));
    const keys = ScanIndexForward
      ? sorted.keys.slice(first, first + count)
      : sorted.keys.slice(end - count, end).reverse();
    const items = keys.map((key) => sorted.items.get(key) as Keyed);
    const last = items.at(-1);
    const LastEvaluatedKey = last && {
      ...{ pk: last.pk, sk: last.sk },
      ...(IndexName && { ipk: last.ipk, isk: last.isk }),
    };
    return { Items: items.map(this.copy), ...(last && count === limit && { LastEvaluatedKey }) };
  }
}

/** The ranks between which a query's keys are. */
function boundsIn(
  sorted: Sorted,
  { KeyConditionExpression, ExpressionAttributeValues: values }: Query,
): [number, number] {
  const condition = KeyConditionExpression.replace(/^i?pk = :i?pk(?: AND i?sk )?/, "").trim();
  const [, operator = ""] = /^(BETWEEN|<=|<|)/.exec(condition) ?? [];
  const value = (name: string) => values[name] ?? "";
  if (condition === "") return [0, sorted.keys.length];
  const begins = /begins_with\(i?sk, (:\w+)\)/.exec(KeyConditionExpression)?.[1];
  if (begins) {
    const first = sorted.rank(value(begins));
    let end = first;
    while (sorted.keys[end]?.startsWith(value(begins))) end += 1;
    return [first, end];
  }
  const names = condition.match(/:\w+/g) ?? [];
  const [from = "", to = ""] = names;
  if (operator === "BETWEEN") return [sorted.rank(value(from)), sorted.rank(value(to), true)];
  if (operator === "<=") return [0, sorted.rank(value(from), true)];
  if (operator === "<") return [0, sorted.rank(value(from))];
  throw new Error(`the table in memory has no key condition ${KeyConditionExpression}`);
}

/** A value as it comes back from DynamoDB: without what is undefined, and its bytes as a plain Uint8Array. */
export function copy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  if (Array.isArray(value)) return value.map(copy) as T;
  if (value instanceof Set) return new Set([...value].map(copy)) as T;
  const all: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) if (one !== undefined) all[name] = copy(one);
  return all as T;
}

interface Conditional {
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
}
interface Query {
  KeyConditionExpression: string;
  ExpressionAttributeValues: Record<string, string>;
  IndexName?: string;
  ScanIndexForward?: boolean;
  Limit?: number;
  ExclusiveStartKey?: Keyed;
}
interface BatchRequest {
  PutRequest?: { Item: Keyed };
  DeleteRequest?: { Key: Keyed };
}

function scopeOf(item: Item | undefined, input: Omit<Conditional, "ConditionExpression">): Scope {
  return { item, names: input.ExpressionAttributeNames ?? {}, values: input.ExpressionAttributeValues ?? {} };
}

type Answer = (this: MemoryTable, input: never) => Record<string, unknown>;

const ANSWERS: Record<string, Answer> = {
  GetCommand({ Key }: { Key: Keyed }) {
    const Item = this.find(Key);
    return Item ? { Item: this.copy(Item) } : {};
  },

  PutCommand({ Item, ...conditional }: Conditional & { Item: Keyed }) {
    this.check(this.find(Item), conditional);
    this.write(Item, this.copy(Item));
    return {};
  },

  DeleteCommand({ Key, ...conditional }: Conditional & { Key: Keyed }) {
    this.check(this.find(Key), conditional);
    this.write(Key, undefined);
    return {};
  },

  UpdateCommand(input: Conditional & { Key: Keyed; UpdateExpression: string; ReturnValues?: string }) {
    const before = this.find(input.Key);
    this.check(before, input);
    const after = this.copy({ ...updated(input.UpdateExpression, scopeOf(before, input)), ...input.Key }) as Keyed;
    this.write(input.Key, after);
    return input.ReturnValues === "ALL_NEW" ? { Attributes: this.copy(after) } : {};
  },

  QueryCommand(query: Query) {
    return this.range(query);
  },

  ScanCommand(input: Conditional & { FilterExpression?: string }) {
    const { FilterExpression } = input;
    const wanted = (item: Item) => !FilterExpression || holds(FilterExpression, scopeOf(item, input));
    return { Items: [...this.items()].filter(wanted).map(this.copy) };
  },

  BatchWriteCommand({ RequestItems }: { RequestItems: Record<string, BatchRequest[]> }) {
    for (const { PutRequest, DeleteRequest } of Object.values(RequestItems).flat()) {
      if (PutRequest) this.write(PutRequest.Item, this.copy(PutRequest.Item));
      if (DeleteRequest) this.write(DeleteRequest.Key, undefined);
    }
    return {};
  },
};
