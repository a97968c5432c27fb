import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { asDocumentClient, connectDynamo, type DynamoDBDocumentClient, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { isLong } from "../runner/size.ts";
import { dynamoEndpoint } from "./found.ts";

export interface TestTable {
  /** Where its DynamoDB is. */
  endpoint: string;
  client: DynamoDBDocumentClient;
  tableName: string;
  close(): Promise<void>;
}

export const credentials = { accessKeyId: "local", secretAccessKey: "local" };

/** Has the `send` of all clients that the API makes, for a test that comes in between. */
export const apiClients = Object.getPrototypeOf(
  connectDynamo({ endpoint: "http://127.0.0.1", region: "local", credentials }),
) as DynamoDBDocumentClient;

/** The client of the SDK itself, as a user brings one along. */
export const sdkClient = (endpoint: string): DynamoDBDocumentClient =>
  asDocumentClient(new DynamoDBClient({ endpoint, region: "local", credentials }));

/** The clients that a table is reached through. */
const clients = {
  own: (endpoint: string) =>
    // Far longer than an engine of this machine takes, however busy that is.
    connectDynamo({ endpoint, region: "local", credentials, requestTimeoutMs: 120_000 }),
  sdk: sdkClient,
};
type ClientName = keyof typeof clients;

const dynalite = (name: string, client: ClientName) => ({
  name,
  async open(): Promise<TestTable> {
    const dynamo = await startLocalDynamo();
    const table = await openTable(dynamo.url, client);
    return {
      ...table,
      async close() {
        await table.close();
        await dynamo.close();
      },
    };
  },
});

/** By the SDK's own client in the long form, and where `TENURE_TEST_DYNAMODB_CLIENT` is `sdk` by no other. */
const isSdkAlone = process.env.TENURE_TEST_DYNAMODB_CLIENT === "sdk";
export const dynamoEngines: { name: string; open(): Promise<TestTable> }[] = [];
if (!isSdkAlone) dynamoEngines.push(dynalite("dynalite", "own"));
if (dynamoEndpoint)
  dynamoEngines.push({
    name: "DynamoDB Local",
    open: () => openTable(dynamoEndpoint as string, isSdkAlone ? "sdk" : "own"),
  });
if (isLong || isSdkAlone) dynamoEngines.push(dynalite("dynalite, by the SDK's client", "sdk"));

export async function openTable(endpoint: string, name: ClientName = "own"): Promise<TestTable> {
  const client = clients[name](endpoint);
  const tableName = `test-${randomUUID()}`;
  await ensureTable(client, tableName);
  return { endpoint, client, tableName, close: async () => client.destroy() };
}
