import { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { Engine, Row } from "../engine.ts";
import { untilReady } from "../servers.ts";

const BATCH = 25;
const AT_ONCE = 8;

/** Rounds a deadline up to the whole seconds of DynamoDB's TTL, so that nothing is over too soon. */
const seconds = (deadline: number) => Math.ceil(deadline / 1000);

async function open(endpoint: string): Promise<Engine> {
  const TableName = `ttl-lab-${process.pid}-${Date.now()}`;
  const isLocal = /^http:/.test(endpoint);
  const plain = new DynamoDBClient({
    ...(isLocal && { endpoint, region: "local", credentials: { accessKeyId: "local", secretAccessKey: "local" } }),
  });
  await untilReady(() =>
    plain.send(
      new CreateTableCommand({
        TableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      }),
    ),
  );
  const TimeToLiveSpecification = { AttributeName: "expiresAt", Enabled: true };
  await untilReady(() => plain.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })));
  const client = DynamoDBDocumentClient.from(plain);
  const get = async (pk: string) =>
    (await client.send(new GetCommand({ TableName, Key: { pk }, ConsistentRead: true }))).Item as
      | { expiresAt: number; deadline: number }
      | undefined;

  async function writeAll(requests: Record<string, unknown>[]): Promise<void> {
    const batches = Array.from({ length: Math.ceil(requests.length / BATCH) }, (_, n) =>
      requests.slice(n * BATCH, (n + 1) * BATCH),
    );
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let batch = batches.pop(); batch; batch = batches.pop())
          for (let left: Record<string, unknown>[] | undefined = batch; left?.length; )
            left = (await client.send(new BatchWriteCommand({ RequestItems: { [TableName]: left } })))
              .UnprocessedItems?.[TableName];
      }),
    );
  }

  async function* keys(): AsyncGenerator<string> {
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await client.send(new ScanCommand({ TableName, ProjectionExpression: "pk", ExclusiveStartKey }));
      for (const { pk } of page.Items ?? []) yield pk;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  return {
    put: (records) =>
      writeAll(
        records.map(({ id, deadline }) => ({
          PutRequest: { Item: { pk: id, deadline, expiresAt: seconds(deadline) } },
        })),
      ),
    find: async (id) => (await get(id)) !== undefined,
    async findChecked(id, now) {
      const item = await get(id);
      return item !== undefined && item.deadline > now;
    },
    async count() {
      let count = 0;
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const page = await client.send(
          new ScanCommand({ TableName, Select: "COUNT", ConsistentRead: true, ExclusiveStartKey }),
        );
        count += page.Count ?? 0;
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return count;
    },
    async touch(pk, deadline) {
      await client.send(
        new UpdateCommand({
          TableName,
          Key: { pk },
          UpdateExpression: "SET deadline = :deadline, expiresAt = :seconds",
          ExpressionAttributeValues: { ":deadline": deadline, ":seconds": seconds(deadline) },
        }),
      );
    },
    async clear() {
      const found: string[] = [];
      for await (const pk of keys()) found.push(pk);
      await writeAll(found.map((pk) => ({ DeleteRequest: { Key: { pk } } })));
    },
    close: async () => client.destroy(),
  };
}

export const dynamodbRow = (endpoint: string | undefined): Row => ({
  key: "dynamodb",
  name: endpoint && !/^http:/.test(endpoint) ? "DynamoDB on AWS" : "DynamoDB Local, TTL on",
  promise: "TTL deletes items “typically within a few days”; no bound; expired items are found by reads until then",
  source: "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html",
  // DynamoDB Local sweeps twenty items every ten seconds, and counting is a scan.
  mostAtOnce: 20_000,
  open: async () => (endpoint ? open(endpoint) : { absent: "no endpoint was given: --dynamodb http://127.0.0.1:8000" }),
});
