/** A program of somebody who has installed the saver alone: a checkpoint is put, read back by another saver, listed and deleted. */
import assert from "node:assert/strict";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";

const tableName = process.env.TABLE ?? "checkpoints";
const client = new DynamoDBClient({
  endpoint: process.env.DYNAMODB_ENDPOINT ?? "",
  region: "local",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
await client.send(
  new CreateTableCommand({
    TableName: tableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" },
      { AttributeName: "sk", AttributeType: "S" },
    ],
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
  }),
);

const newSaver = () => new DynamoDBSaver({ client, tableName });
const checkpoint = { ...emptyCheckpoint(), channel_values: { notes: ["a", "b"] }, channel_versions: { notes: 1 } };
const config = await newSaver().put(
  { configurable: { thread_id: "t", checkpoint_ns: "" } },
  checkpoint,
  { source: "loop", step: 0, parents: {} },
  { notes: 1 },
);
await newSaver().putWrites(config, [["notes", "c"]], "task");
const found = await newSaver().getTuple(config);
assert.deepEqual(found?.checkpoint.channel_values, { notes: ["a", "b"] });
assert.deepEqual(found?.pendingWrites, [["task", "notes", "c"]]);
let listed = 0;
for await (const _ of newSaver().list({ configurable: { thread_id: "t" } })) listed += 1;
assert.equal(listed, 1);
await newSaver().deleteThread("t");
assert.equal(await newSaver().getTuple(config), undefined);
client.destroy();
console.log("saver: ok");
