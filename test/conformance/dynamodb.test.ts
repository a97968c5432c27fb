/**
 * DynamoDB itself: every engine refuses what AWS refuses, so that a request that works on a laptop works there. DynamoDB Local
 * stands for AWS; the rules that dynalite lacks are in packages/local/src/dynamodb/refusals.ts.
 */
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { Table } from "@tenure/core/dynamo";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

type Asked = (TableName: string) => object;
const S = (text: string) => ({ S: text });
const long = (bytes: number) => S("x".repeat(bytes));
const nested = (levels: number) => JSON.parse(`${'{"M":{"a":'.repeat(levels)}{"S":"x"}${"}}".repeat(levels)}`);

const query =
  (KeyConditionExpression: string, values: object, more: object = {}): Asked =>
  (TableName) =>
    new QueryCommand({ TableName, KeyConditionExpression, ExpressionAttributeValues: values as never, ...more });
const put =
  (item: object, more: object = {}): Asked =>
  (TableName) =>
    new PutItemCommand({ TableName, Item: { pk: S("p"), sk: S("s"), ...item } as never, ...more });
const update =
  (UpdateExpression: string, values: object, more: object = {}): Asked =>
  (TableName) =>
    new UpdateItemCommand({
      TableName,
      Key: { pk: S("p"), sk: S("u") },
      UpdateExpression,
      ExpressionAttributeValues: values as never,
      ...more,
    });
const key =
  (pk: object, sk: object): Asked =>
  (TableName) =>
    new GetItemCommand({ TableName, Key: { pk, sk } as never });
const batch =
  (requests: object[]): Asked =>
  (TableName) =>
    new BatchWriteItemCommand({ RequestItems: { [TableName]: requests as never } });

const pk = { ":pk": S("p") };
const manyNames = (count: number) =>
  `SET ${Array.from({ length: count }, (_, i) => `a${String(i).padStart(3, "0")} = :x`).join(", ")}`;

const refused: Record<string, Asked> = {
  "an empty prefix": query("pk = :pk AND begins_with(sk, :x)", { ...pk, ":x": S("") }),
  "an empty prefix, with names": query(
    "#p = :pk AND begins_with ( #s , :x )",
    { ...pk, ":x": S("") },
    { ExpressionAttributeNames: { "#p": "pk", "#s": "sk" } },
  ),
  "before nothing": query("pk = :pk AND sk < :x", { ...pk, ":x": S("") }),
  "an empty sort key": query("pk = :pk AND sk = :x", { ...pk, ":x": S("") }),
  "between nothing and something": query("pk = :pk AND sk BETWEEN :a AND :b", { ...pk, ":a": S(""), ":b": S("z") }),
  "a range that ends before it begins": query("pk = :pk AND sk BETWEEN :a AND :b", {
    ...pk,
    ":a": S("z"),
    ":b": S("a"),
  }),
  "an empty partition": query("pk = :pk", { ":pk": S("") }),
  "an empty partition of the index": query("ipk = :pk", { ":pk": S("") }, { IndexName: "index" }),
  "a bound that is too long": query("pk = :pk AND sk < :x", { ...pk, ":x": long(1025) }),
  "a prefix that is too long": query("pk = :pk AND begins_with(sk, :x)", { ...pk, ":x": long(1025) }),
  "a range to what is too long": query("pk = :pk AND sk BETWEEN :a AND :b", { ...pk, ":a": S("a"), ":b": long(1025) }),
  "a page of nothing": query("pk = :pk", pk, { Limit: 0 }),
  "a value that is not used": query("pk = :pk", { ...pk, ":x": S("x") }),
  "a consistent read of the index": query("ipk = :pk", pk, { IndexName: "index", ConsistentRead: true }),
  "putting an empty sort key": put({ sk: S("") }),
  "putting an empty partition key": put({ pk: S("") }),
  "putting an empty partition key of the index": put({ ipk: S(""), isk: S("x") }),
  "putting an empty sort key of the index": put({ ipk: S("x"), isk: S("") }),
  "putting a number into the index": put({ ipk: S("x"), isk: { N: "1" } }),
  "putting a sort key that is too long": put({ sk: long(1025) }),
  "putting a partition key that is too long": put({ pk: long(2049) }),
  "putting a sort key of the index that is too long": put({ ipk: S("x"), isk: long(1025) }),
  "putting a partition key of the index that is too long": put({ ipk: long(2049), isk: S("x") }),
  "putting an empty set": put({ a: { SS: [] } }),
  "putting 39 digits": put({ a: { N: "1".repeat(39) } }),
  "putting a number that is too large": put({ a: { N: "1e126" } }),
  "putting more than 400 KB": put({ a: long(410_000) }),
  "putting 33 levels": put({ a: nested(33) }),
  "a condition with no values": put(
    {},
    { ConditionExpression: "attribute_not_exists(pk)", ExpressionAttributeValues: {} },
  ),
  "a condition with no names": put(
    {},
    { ConditionExpression: "attribute_not_exists(pk)", ExpressionAttributeNames: {} },
  ),
  "changing a key": update("SET sk = :x", { ":x": S("x") }),
  "setting an attribute twice": update("SET a = :x, a = :y", { ":x": S("x"), ":y": S("y") }),
  "setting an empty sort key of the index": update("SET ipk = :x, isk = :y", { ":x": S("x"), ":y": S("") }),
  "setting a sort key of the index that is too long": update(
    "SET ipk = :x, #i = :y",
    { ":x": S("x"), ":y": long(1025) },
    {
      ExpressionAttributeNames: { "#i": "isk" },
    },
  ),
  "setting more than 400 KB": update("SET a = :x", { ":x": long(410_000) }),
  "an update of more than 4 KB": update(manyNames(400), { ":x": S("x") }),
  "reading an empty sort key": key(S("p"), S("")),
  "reading a sort key that is too long": key(S("p"), long(1025)),
  "reading a partition key that is too long": key(long(2049), S("s")),
  "deleting an empty sort key": (TableName) => new DeleteItemCommand({ TableName, Key: { pk: S("p"), sk: S("") } }),
  "a batch of nothing": batch([]),
  "a batch with a key twice": batch([1, 2].map(() => ({ DeleteRequest: { Key: { pk: S("p"), sk: S("d") } } }))),
  "a batch of 26": batch(
    Array.from({ length: 26 }, (_, i) => ({ DeleteRequest: { Key: { pk: S("p"), sk: S(`d${i}`) } } })),
  ),
  "a batch with an empty sort key of the index": batch([
    { PutRequest: { Item: { pk: S("p"), sk: S("x"), ipk: S("x"), isk: S("") } } },
  ]),
  "a batch with more than 400 KB": batch([{ PutRequest: { Item: { pk: S("p"), sk: S("x"), a: long(410_000) } } }]),
};

const taken: Record<string, Asked> = {
  "a range of one key": query("pk = :pk AND sk BETWEEN :a AND :b", { ...pk, ":a": S("a"), ":b": S("a") }),
  "the longest keys": put({ pk: long(2048), sk: long(1024), ipk: long(2048), isk: long(1024) }),
  "the longest bounds": query("pk = :pk AND sk <= :x", { ":pk": long(2048), ":x": long(1024) }),
  "empty texts and bytes that are no keys": put({ a: S(""), b: { B: new Uint8Array() }, c: { L: [] }, d: { M: {} } }),
  "38 digits": put({ a: { N: "1".repeat(38) } }),
  "32 levels": put({ a: nested(31) }),
  "400 KB": put({ a: long(400_000) }),
  "an update of just under 4 KB": update(manyNames(300), { ":x": S("x") }),
  "a filter for an empty prefix": (TableName) =>
    new ScanCommand({
      TableName,
      FilterExpression: "begins_with(sk, :x)",
      ExpressionAttributeValues: { ":x": S("") },
    }),
};

describe.each(dynamoEngines)("$name", ({ open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  const nameOf = (command: object) =>
    table.client.send(command as never).then(
      () => "taken",
      (error: Error) => error.name,
    );

  it.each(Object.entries(refused))("refuses %s", async (_name, asked) => {
    expect(await nameOf(asked(table.tableName))).toBe("ValidationException");
  });

  it.each(Object.entries(taken))("takes %s", async (_name, asked) => {
    expect(await nameOf(asked(table.tableName))).toBe("taken");
  });

  it("is asked for any range without a fault, and its answers agree", async () => {
    const seen = new Table({ ...table, clock: { now: () => 0 } });
    const keys = ["a", "a#1", "a#2", "b", "b#1"];
    await seen.putAll(keys.map((sk) => ({ pk: "ranges", sk })));
    const bounds = ["", "a", "a#", "a#2", "b", "c", "\u{10ffff}"];
    const found = async (range: object) => {
      const items = [];
      for await (const { sk } of seen.query({ pk: "ranges", ...range })) items.push(sk);
      return items;
    };
    for (const one of bounds) {
      expect(await found({ prefix: one })).toEqual(keys.filter((sk) => sk.startsWith(one)));
      expect(await found({ before: one })).toEqual(keys.filter((sk) => sk < one));
      for (const other of bounds)
        expect(await found({ from: one, to: other })).toEqual(keys.filter((sk) => sk >= one && sk <= other));
    }
    for (const pageSize of [0, -1, 1, 2]) expect(await found({ prefix: "a", pageSize })).toEqual(["a", "a#1", "a#2"]);
  });

  it.each([
    ["a value", { pk: "p", sk: "large", value: "x".repeat(410_000) }],
    ["a sort key", { pk: "p", sk: "x".repeat(1025) }],
    ["a partition key", { pk: "x".repeat(2049), sk: "s" }],
    ["a key of the index", { pk: "p", sk: "s", ipk: "i", isk: "x".repeat(1025) }],
  ])("is a refusal of what was sent where %s is too large, not a fault", async (_name, item) => {
    const seen = new Table({ ...table, clock: { now: () => 0 } });
    const refusal = { reason: { tag: "invalid-input" } };
    await expect(seen.put(item)).rejects.toMatchObject(refusal);
    await expect(seen.putIfAbsent(item)).rejects.toMatchObject(refusal);
    await expect(seen.putAll([item])).rejects.toMatchObject(refusal);
  });
});
