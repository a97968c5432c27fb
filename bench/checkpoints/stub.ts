/** A DynamoDB that answers at once, for the time that the saver itself takes. It knows what the saver sends, no more. */
import { isDeepStrictEqual } from "node:util";
import type { DynamoDBDocumentClient } from "@tenure/core/dynamo";
import type { Command } from "./counted.ts";

type Item = Record<string, unknown> & { pk: string; sk: string };

class Partition {
  readonly items = new Map<string, Item>();
  /** Sort keys in order. */
  readonly keys: string[] = [];

  /** How many keys are smaller, or, with `orEqual`, not greater. */
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

  set(item: Item): void {
    if (!this.items.has(item.sk)) this.keys.splice(this.rank(item.sk), 0, item.sk);
    this.items.set(item.sk, item);
  }

  delete(sk: string): void {
    if (this.items.delete(sk)) this.keys.splice(this.rank(sk), 1);
  }
}

/** What saver.ts takes for a client. */
export function stubClient(): DynamoDBDocumentClient {
  const partitions = new Map<string, Partition>();
  const partitionOf = (pk: string): Partition => {
    const known = partitions.get(pk) ?? new Partition();
    partitions.set(pk, known);
    return known;
  };
  class DynamoDBDocumentClient {
    async send(command: Command): Promise<unknown> {
      const answer = ANSWERS[command.constructor.name];
      if (!answer) throw new Error(`the stub has no ${command.constructor.name}`);
      return answer(command.input as never, partitionOf);
    }
  }
  return new DynamoDBDocumentClient() as unknown as DynamoDBDocumentClient & never;
}

type Answer = (input: never, partitionOf: (pk: string) => Partition) => object;

interface Query {
  KeyConditionExpression: string;
  ExpressionAttributeValues: Record<string, string>;
  ScanIndexForward?: boolean;
  Limit?: number;
  ExclusiveStartKey?: Item;
}

const ANSWERS: Record<string, Answer> = {
  GetCommand: ({ Key }: { Key: Item }, partitionOf) => ({ Item: partitionOf(Key.pk).items.get(Key.sk) }),

  PutCommand: ({ Item, ConditionExpression }: { Item: Item; ConditionExpression?: string }, partitionOf) => {
    const partition = partitionOf(Item.pk);
    if (ConditionExpression !== undefined && ConditionExpression !== "attribute_not_exists(pk)")
      throw new Error(`the stub has no condition ${ConditionExpression}`);
    if (ConditionExpression && partition.items.has(Item.sk))
      throw Object.assign(new Error("The conditional request failed"), { name: "ConditionalCheckFailedException" });
    partition.set({ ...Item });
    return {};
  },

  UpdateCommand: (input: Update, partitionOf) => {
    const partition = partitionOf(input.Key.pk);
    const before = partition.items.get(input.Key.sk);
    const after: Item = { ...before, ...input.Key };
    const nameOf = (name: string) => input.ExpressionAttributeNames?.[name] ?? name;
    const boundTo = (value: string) => input.ExpressionAttributeValues[value];
    const at = (path: string): unknown =>
      (path.match(/[#\w]+/g) ?? []).reduce<unknown>((value, part) => {
        const name = /^\d+$/.test(part) ? Number(part) : nameOf(part);
        return (value as Record<string | number, unknown> | undefined)?.[name];
      }, before);
    const holds = (condition: string) => {
      const [, absent, path = "", sign, value = ""] =
        /^(?:attribute_not_exists\(([#\w]+)\)|([#\w.[\]]+) (=|<) (:\w+))$/.exec(condition) ?? [];
      if (absent !== undefined) return before?.[nameOf(absent)] === undefined;
      if (sign === undefined) throw new Error(`the stub has no condition ${condition}`);
      const [is, wanted] = [at(path), boundTo(value)];
      return sign === "=" ? isDeepStrictEqual(is, wanted) : Number(is) < Number(wanted);
    };
    const all = (condition: string) => condition.split(" AND ").every(holds);
    if (input.ConditionExpression?.split(" OR ").some(all) === false)
      throw Object.assign(new Error("The conditional request failed"), { name: "ConditionalCheckFailedException" });
    const [sets = "", removes = ""] = input.UpdateExpression.replace(/^SET /, "").split(" REMOVE ");
    for (const clause of sets.split(/, (?=[#\w]+ =)/)) {
      const [, name = "", once, value = ""] = /^([#\w]+) = (?:(if_not_exists)\([#\w]+, )?(:\w+)\)?$/.exec(clause) ?? [];
      if (!name) throw new Error(`the stub has no update ${clause}`);
      if (!once || before?.[nameOf(name)] === undefined) after[nameOf(name)] = boundTo(value);
    }
    for (const name of removes.split(", ").filter(Boolean)) delete after[nameOf(name)];
    partition.set(after);
    return {};
  },

  QueryCommand: (query: Query, partitionOf) => {
    const values = query.ExpressionAttributeValues;
    const partition = partitionOf(values[":pk"] ?? "");
    let [first, end] = [0, partition.keys.length];
    if (values[":from"] !== undefined && values[":to"] !== undefined)
      [first, end] = [partition.rank(values[":from"]), partition.rank(values[":to"], true)];
    else if (values[":prefix"] !== undefined)
      [first, end] = [partition.rank(values[":prefix"]), partition.rank(`${values[":prefix"]}\u{10ffff}`)];
    else if (values[":before"] !== undefined) end = partition.rank(values[":before"]);
    const isForward = query.ScanIndexForward !== false;
    const start = query.ExclusiveStartKey?.sk;
    if (start !== undefined && isForward) first = Math.max(first, partition.rank(start, true));
    if (start !== undefined && !isForward) end = Math.min(end, partition.rank(start));
    const limit = Math.min(query.Limit ?? Infinity, Math.max(0, end - first));
    const keys = isForward
      ? partition.keys.slice(first, first + limit)
      : partition.keys.slice(end - limit, end).reverse();
    const Items = keys.map((sk) => partition.items.get(sk) as Item);
    const last = Items.at(-1);
    return { Items, ...(last && limit === query.Limit && { LastEvaluatedKey: { pk: last.pk, sk: last.sk } }) };
  },

  BatchWriteCommand: ({ RequestItems }: { RequestItems: Record<string, BatchRequest[]> }, partitionOf) => {
    for (const { PutRequest, DeleteRequest } of Object.values(RequestItems).flat()) {
      if (PutRequest) partitionOf(PutRequest.Item.pk).set({ ...PutRequest.Item });
      if (DeleteRequest) partitionOf(DeleteRequest.Key.pk).delete(DeleteRequest.Key.sk);
    }
    return {};
  },
};

interface Update {
  Key: Item;
  UpdateExpression: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues: Record<string, unknown>;
}

interface BatchRequest {
  PutRequest?: { Item: Item };
  DeleteRequest?: { Key: Item };
}
