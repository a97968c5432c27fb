/** The lean path to DynamoDB beside the SDK's own client: the same values, the same errors, and requests that AWS would take. */
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
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
import { holdTimers, isSettled } from "../support/runner/time.ts";
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

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

interface Heard {
  headers: Record<string, string>;
  body: string;
}

/** A server that notes requests, and answers as it is told. */
async function listening(answer: (response: ServerResponse, nth: number) => void) {
  const heard: Heard[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    heard.push({ headers: request.headers as Record<string, string>, body });
    answer(response, heard.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { heard, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** AWS' side of Signature Version 4, for whatever headers a request says that it signed. */
function isSigned({ headers, body }: Heard, secret: string): boolean {
  const [, scope = "", signed = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  const mustBeSigned = ["host", "content-type", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  if (!mustBeSigned.every((name) => signed.split(";").includes(name))) return false;
  const sha = (of: string) => createHash("sha256").update(of).digest("hex");
  const mac = (key: string | Buffer, of: string) => createHmac("sha256", key).update(of).digest();
  const lines = signed.split(";").map((name) => `${name}:${headers[name]}\n`);
  const canonical = ["POST", "/", "", lines.join(""), signed, sha(body)].join("\n");
  const date = headers["x-amz-date"] ?? "";
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha(canonical)].join("\n");
  const [day = "", region = "", service = "", end = ""] = scope.split("/");
  const signing = mac(mac(mac(mac(`AWS4${secret}`, day), region), service), end);
  return day === date.slice(0, 8) && mac(signing, toSign).toString("hex") === signature;
}

const ask = new GetCommand({ TableName: "things", Key: { pk: "é", sk: "s" } });
const empty = (response: ServerResponse) => void response.end("{}");
const session = { accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "session" };

it.each([
  ["fixed credentials", { accessKeyId: "AKID", secretAccessKey: "secret" }],
  ["those of a session", session],
])("requests are signed as AWS checks it: %s", async (_, given) => {
  const { heard, endpoint } = await listening(empty);
  const at = { endpoint, region: "eu-west-1", credentials: given };
  const sdk = DynamoDBDocumentClient.from(new DynamoDBClient(at));
  const lean = connectDynamo(at);
  closing.push(
    () => sdk.destroy(),
    () => lean.destroy(),
  );
  for (const client of [sdk, lean, lean]) await client.send(ask);
  expect(heard.map((one) => isSigned(one, "secret"))).toEqual([true, true, true]);
  expect(heard.map((one) => isSigned(one, "another"))).toEqual([false, false, false]);
  expect(heard.map(({ headers }) => headers["x-amz-target"])).toEqual(Array(3).fill("DynamoDB_20120810.GetItem"));
  expect(heard.map(({ headers }) => headers.authorization?.includes("/eu-west-1/dynamodb/"))).toEqual([
    true,
    true,
    true,
  ]);
  expect(heard[1]?.headers["x-amz-security-token"]).toBe((given as typeof session).sessionToken);
});

it("credentials are the SDK's to say, again and again", async () => {
  const { heard, endpoint } = await listening(empty);
  let nth = 0;
  const expiration = new Date(Date.now() - 1);
  const lean = connectDynamo({
    ...{ endpoint, region: "eu-west-1" },
    credentials: (async () => ({ ...session, secretAccessKey: `secret ${nth++}`, expiration })) as never,
  });
  closing.push(() => lean.destroy());
  for (let n = 0; n < 3; n++) await lean.send(ask);
  const secrets = heard.map((one) => [...Array(nth).keys()].findIndex((n) => isSigned(one, `secret ${n}`)));
  expect(new Set(secrets).size).toBe(3);
});

it("the address is the SDK's to say", async () => {
  const { heard, endpoint } = await listening(empty);
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", endpoint);
  const lean = connectDynamo({ region: "eu-west-1", credentials: session });
  closing.push(
    () => lean.destroy(),
    () => vi.unstubAllEnvs(),
  );
  await lean.send(ask);
  expect(heard).toHaveLength(1);
});

it("a clock that is wrong is put right by DynamoDB's answer", async () => {
  const hour = 3_600_000;
  const theirs = () => Date.now() + hour;
  const { heard, endpoint } = await listening((response, nth) => {
    response.setHeader("Date", new Date(theirs()).toUTCString());
    if (nth > 1) return void response.end("{}");
    const refusal = { __type: "com.amazon.coral.service#InvalidSignatureException", message: "Signature expired" };
    response.writeHead(400).end(JSON.stringify(refusal));
  });
  const lean = connectDynamo({ endpoint, region: "eu-west-1", credentials: session });
  closing.push(() => lean.destroy());
  await lean.send(ask);
  const dates = heard.map(({ headers }) => headers["x-amz-date"]?.slice(0, 11));
  const stamp = (ms: number) => new Date(ms).toISOString().replace(/[-:]/g, "").slice(0, 11);
  expect([stamp(theirs() - hour), stamp(theirs())]).toEqual(dates);
});

it.each([
  ["does not come", () => {}],
  ["comes and does not end", (response: ServerResponse) => void response.write("{")],
])("an answer that %s is given up at the deadline of each of three tries", async (_, answer) => {
  const asked = [signal(), signal(), signal()];
  const { endpoint } = await listening((response, nth) => {
    answer(response);
    asked[nth - 1]?.resolve();
  });
  const lean = connectDynamo({ endpoint, region: "eu-west-1", credentials: session, requestTimeoutMs: 500_000 });
  closing.push(() => lean.destroy());
  const time = holdTimers();
  const sending = lean.send(ask).catch((error: unknown) => error);
  for (const { promise } of asked) {
    await promise;
    await time.advance(499_999);
    expect(await isSettled(sending)).toBe(false);
    await time.advance(1);
    // No pause between two tries is longer.
    await time.advance(1000);
  }
  expect(await sending).toMatchObject({ name: "TimeoutError", $metadata: { attempts: 3 } });
});

it("a caller's signal ends a request at once", async () => {
  const asked = signal();
  const { endpoint } = await listening(() => asked.resolve());
  const lean = connectDynamo({ endpoint, region: "eu-west-1", credentials: session, requestTimeoutMs: 500_000 });
  closing.push(() => lean.destroy());
  const controller = new AbortController();
  const sending = lean.send(ask, { abortSignal: controller.signal });
  const refused = expect(sending).rejects.toMatchObject({ name: "AbortError" });
  await asked.promise;
  controller.abort();
  await refused;
});
