/** The savers that are measured, each with what it has spent or holds. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { Meter, sizeOf } from "./counted.ts";
import type { Mark } from "./growth.ts";

export interface Store {
  name: string;
  saver: BaseCheckpointSaver;
  measure(): Omit<Mark, "turn">;
  close(): Promise<void>;
}

export interface OurStore extends Store {
  meter: Meter;
  /** A saver that knows nothing yet, as in a process that was just started. */
  fresh(): DynamoDBSaver;
}

const CREDENTIALS = { region: "local", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
const newTable = () => `bench-${randomBytes(6).toString("hex")}`;

/** Ours, in a table of its own. */
export async function openOurs(endpoint: string): Promise<OurStore> {
  const client = connectDynamo({ endpoint, ...CREDENTIALS, requestTimeoutMs: 60_000 });
  const tableName = newTable();
  await ensureTable(client, tableName);
  const meter = new Meter();
  const counted = meter.count(client);
  const fresh = () => new DynamoDBSaver({ client: counted, tableName });
  return {
    name: "@tenure/core/checkpoint",
    saver: fresh() as unknown as BaseCheckpointSaver,
    meter,
    fresh,
    measure: () => spentOf(meter),
    close: async () => client.destroy(),
  };
}

const spentOf = ({ spent }: Meter) => ({ writeUnits: spent.writeUnits, requests: spent.requests, bytes: spent.bytes });

/** The only other saver for DynamoDB on npm that we found. Two tables, as its README asks. */
export async function openRwai(endpoint: string): Promise<Store> {
  const { DynamoDBSaver: Rwai } = await import("@rwai/langgraphjs-checkpoint-dynamodb");
  const [checkpointsTableName, writesTableName] = [newTable(), newTable()];
  await createTable(endpoint, checkpointsTableName, ["thread_id", "checkpoint_id"]);
  await createTable(endpoint, writesTableName, ["thread_id_checkpoint_id_checkpoint_ns", "task_id_idx"]);
  const saver = new Rwai({ clientConfig: { endpoint, ...CREDENTIALS }, checkpointsTableName, writesTableName });
  const meter = new Meter();
  // The saver makes its client itself.
  const inner = saver as unknown as { docClient: ReturnType<typeof connectDynamo> };
  inner.docClient = meter.count(inner.docClient);
  return {
    name: "@rwai/langgraphjs-checkpoint-dynamodb 0.1.6",
    saver: saver as unknown as BaseCheckpointSaver,
    measure: () => spentOf(meter),
    close: async () => inner.docClient.destroy(),
  };
}

async function createTable(endpoint: string, TableName: string, keys: [hash: string, range: string]): Promise<void> {
  const { CreateTableCommand, DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const client = new DynamoDBClient({ endpoint, ...CREDENTIALS });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: keys.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? "HASH" : "RANGE" })),
    }),
  );
  client.destroy();
}

/** Bytes: the pages of its database. */
export async function openSqlite(): Promise<Store> {
  const { SqliteSaver } = await import("@langchain/langgraph-checkpoint-sqlite");
  const directory = mkdtempSync(join(tmpdir(), "bench-checkpoints-"));
  const saver = SqliteSaver.fromConnString(join(directory, "checkpoints.db"));
  const pragma = (name: string) => Number(saver.db.pragma(name, { simple: true }));
  return {
    name: "@langchain/langgraph-checkpoint-sqlite 1.0.4",
    saver: saver as unknown as BaseCheckpointSaver,
    measure: () => ({ bytes: pragma("page_count") * pragma("page_size") }),
    async close() {
      saver.db.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Bytes: the serialized checkpoints, metadata and writes that it holds. */
export async function openMemory(): Promise<Store> {
  const saver = new MemorySaver();
  return {
    name: "MemorySaver",
    saver,
    measure: () => ({ bytes: sizeOf(saver.storage) + sizeOf(saver.writes) }),
    async close() {},
  };
}
