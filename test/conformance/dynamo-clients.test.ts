import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { connectDynamo, type DynamoCost } from "@tenure/core/dynamo";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { sized } from "../support/runner/size.ts";
import { credentials, dynamoEngines, sdkClient, type TestTable } from "../support/stores/dynamo.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) close();
});

const text = fc.string({ maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 9000 });
// DynamoDB Local has no empty name.
const key = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== "__proto__");
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    ...[text, fc.boolean(), fc.constant(null), fc.constant(undefined), bytes],
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }).filter((one) => !/e-/.test(String(one))),
    fc.bigInt({ min: 2n ** 60n, max: 2n ** 70n }),
    // DynamoDB has no empty text in a set.
    fc
      .uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 })
      .map((all) => new Set(all)),
    fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4 }).map((all) => new Set(all)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let sdk: DynamoDBDocumentClient;
  let lean: DynamoDBDocumentClient;
  beforeAll(async () => {
    table = await open();
    sdk = sdkClient(table.endpoint);
    lean = connectDynamo({ endpoint: table.endpoint, region: "local", credentials, requestTimeoutMs: 120_000 });
  });
  afterAll(async () => {
    sdk.destroy();
    lean.destroy();
    await table.close();
  });

  const Key = { pk: "p", sk: "s" };
  const read = async (client: DynamoDBDocumentClient) =>
    (await client.send(new GetCommand({ TableName: table.tableName, Key, ConsistentRead: true }))).Item;

  it("both store and read the same values", async () => {
    const stored = fc.asyncProperty(value, async (data) => {
      const [one, other] = [sdk, lean];
      await one.send(new PutCommand({ TableName: table.tableName, Item: { ...Key, data } }));
      const [byOne, byOther] = [await read(one), await read(other)];
      expect(byOther).toEqual(byOne);
      await other.send(new PutCommand({ TableName: table.tableName, Item: { ...Key, data } }));
      expect(await read(one)).toEqual(byOne);
    });
    await fc.assert(stored, { numRuns: sized(60, 1000), seed: 2026 });
  });

  it("bytes that were read have memory of their own", async () => {
    await lean.send(new PutCommand({ TableName: table.tableName, Item: { ...Key, data: new Uint8Array([1, 2, 3]) } }));
    const { data } = (await read(lean)) as { data: Uint8Array };
    expect([...data]).toEqual([1, 2, 3]);
    expect(data.constructor).toBe(Uint8Array);
    expect(data.buffer.byteLength).toBe(3);
  });

  class Point {}
  it.each<[string, unknown]>([
    ["no number", Number.NaN],
    ["a number without end", Number.POSITIVE_INFINITY],
    ["a number that loses digits", 2 ** 60],
    ["a symbol", Symbol("s")],
    ["an instance of a class", new Point()],
    ["an empty set", new Set()],
    ["a set of what has no sets", new Set([true])],
  ])("both refuse %s, and send nothing", async (_, data) => {
    for (const client of [sdk, lean])
      await expect(
        (async () => client.send(new PutCommand({ TableName: table.tableName, Item: { ...Key, data } })))(),
      ).rejects.toThrow();
  });

  const TableName = () => table.tableName;
  it.each<[string, () => object]>([
    [
      "a failed condition",
      () =>
        new PutCommand({ TableName: TableName(), Item: Key, ConditionExpression: "attribute_exists(never)" }) as object,
    ],
    [
      "a failed condition that shows the item",
      () =>
        new DeleteCommand({
          ...{ TableName: TableName(), Key, ConditionExpression: "attribute_exists(never)" },
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
    ],
    ["a table that is not there", () => new GetCommand({ TableName: "nowhere", Key })],
    ["another key", () => new GetCommand({ TableName: TableName(), Key: { other: "p" } })],
    [
      "an index that is not there",
      () => new QueryCommand({ TableName: TableName(), IndexName: "none", KeyConditionExpression: "pk = pk" }),
    ],
    [
      "an expression that is none",
      () => new UpdateCommand({ TableName: TableName(), Key, UpdateExpression: "SET SET" }),
    ],
    ["an item too large", () => new PutCommand({ TableName: TableName(), Item: { ...Key, x: "x".repeat(420_000) } })],
  ])("both tell %s in the same words", async (_, command) => {
    await lean.send(new PutCommand({ TableName: table.tableName, Item: Key }));
    const told = async (client: DynamoDBDocumentClient) =>
      client.send(command() as GetCommand).then(
        () => "it was answered",
        ({ name, message, $metadata }) => ({
          name,
          message,
          status: $metadata.httpStatusCode,
          tries: $metadata.attempts,
        }),
      );
    const by = await told(sdk);
    expect(by).toMatchObject({ tries: 1 });
    expect(await told(lean)).toEqual(by);
  });

  it("both page through a query and a scan, and write batches", async () => {
    const items = Array.from({ length: 12 }, (_, n) => ({ pk: "pages", sk: `s${n}`, n }));
    const puts = items.map((Item) => ({ PutRequest: { Item } }));
    await lean.send(new BatchWriteCommand({ RequestItems: { [table.tableName]: puts } }));
    const page = {
      ...{ TableName: table.tableName, Limit: 5, KeyConditionExpression: "pk = :pk" },
      ExpressionAttributeValues: { ":pk": "pages" },
    };
    for (const command of [
      () => new QueryCommand(page),
      () => new ScanCommand({ TableName: table.tableName, Limit: 5 }),
    ]) {
      const [one, other] = [await sdk.send(command() as QueryCommand), await lean.send(command() as QueryCommand)];
      expect(other.LastEvaluatedKey).toBeDefined();
      expect({ ...other, $metadata: 0 }).toEqual({ ...one, $metadata: 0 });
    }
    const next = new QueryCommand({ ...page, ExclusiveStartKey: { pk: "pages", sk: "s2" } });
    expect((await lean.send(next)).Items).toEqual((await sdk.send(next)).Items);
    const deletions = items.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }));
    await lean.send(new BatchWriteCommand({ RequestItems: { [table.tableName]: deletions } }));
    expect((await sdk.send(new QueryCommand(page))).Items).toEqual([]);
  });

  it("costs are told", async () => {
    const costs: DynamoCost[] = [];
    const onCost = (cost: DynamoCost) => void costs.push(cost);
    const told = connectDynamo({ endpoint: table.endpoint, region: "local", credentials, onCost });
    closing.push(() => told.destroy());
    await told.send(new PutCommand({ TableName: table.tableName, Item: { ...Key, x: "x".repeat(1500) } }));
    await told.send(new GetCommand({ TableName: table.tableName, Key, ConsistentRead: true }));
    expect(costs).toMatchObject([
      { writeUnits: 2, readUnits: 0, retries: 0 },
      { readUnits: 1, writeUnits: 0, retries: 0 },
    ]);
  });
});
