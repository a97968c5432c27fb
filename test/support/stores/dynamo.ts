import { randomUUID } from "node:crypto";
import { connectDynamo, type DynamoDBDocumentClient, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { dynamoEndpoint } from "./found.ts";

export interface TestTable {
  /** Where its DynamoDB is. */
  endpoint: string;
  client: DynamoDBDocumentClient;
  tableName: string;
  close(): Promise<void>;
}

export const credentials = { accessKeyId: "local", secretAccessKey: "local" };

export const dynamoEngines: { name: string; open(): Promise<TestTable> }[] = [
  {
    name: "dynalite",
    async open() {
      const dynamo = await startLocalDynamo();
      const table = await openTable(dynamo.url);
      return {
        ...table,
        async close() {
          await table.close();
          await dynamo.close();
        },
      };
    },
  },
];
if (dynamoEndpoint) dynamoEngines.push({ name: "DynamoDB Local", open: () => openTable(dynamoEndpoint as string) });

export async function openTable(endpoint: string): Promise<TestTable> {
  // Far longer than an engine of this machine takes, however busy that is.
  const client = connectDynamo({ endpoint, region: "local", credentials, requestTimeoutMs: 120_000 });
  const tableName = `test-${randomUUID()}`;
  await ensureTable(client, tableName);
  return { endpoint, client, tableName, close: async () => client.destroy() };
}
