import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { expect, it } from "vitest";
import { converse } from "../../examples/checkpointer.ts";

it("keeps the threads of any LangGraph agent", async () => {
  const local = await startLocalDynamo();
  const config = { endpoint: local.url, region: "local", credentials: { accessKeyId: "a", secretAccessKey: "b" } };
  const admin = connectDynamo(config);
  await ensureTable(admin, "checkpoints");
  const client = new DynamoDBClient(config);
  expect(await converse(client, "checkpoints")).toEqual(["Hello.", "Message 1.", "Still there?", "Message 3."]);
  client.destroy();
  admin.destroy();
  await local.close();
});
