/** LangChain's own validation of a checkpointer: in the long form over every DynamoDB, and with everything turned on that can be. */

import { randomBytes } from "node:crypto";
import { deltaChannelHistoryTests, specTest } from "@langchain/langgraph-checkpoint-validation";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { tableDefinition } from "@tenure/core/dynamo";
import { S3Blobs } from "@tenure/core/s3";
import { isLong } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { s3Server } from "../support/stores/found.ts";
import { openS3, type TestS3 } from "../support/stores/s3.ts";

for (const { name, open } of isLong ? dynamoEngines : dynamoEngines.slice(0, 1)) {
  let table: TestTable;
  const initializer = {
    checkpointerName: `DynamoDBSaver on ${name}`,
    async createCheckpointer() {
      table = await open();
      return new DynamoDBSaver({ client: table.client, tableName: table.tableName });
    },
    destroyCheckpointer: () => table.close(),
  };
  specTest(initializer);
  deltaChannelHistoryTests(initializer);
}

if (isLong && s3Server) {
  let table: TestTable;
  let s3: TestS3;
  const initializer = {
    checkpointerName: "DynamoDBSaver, encrypting, with segments in S3 and an index of threads",
    async createCheckpointer() {
      table = await (dynamoEngines[0] as (typeof dynamoEngines)[0]).open();
      s3 = await openS3();
      const { client, tableName } = table;
      return new DynamoDBSaver({
        client,
        tableName,
        encryption: { keys: { k1: randomBytes(32) }, current: "k1" },
        blobs: { store: new S3Blobs(s3), fromBytes: 0 },
        indexName: tableDefinition.index.name,
        ttlMs: 60_000,
      });
    },
    async destroyCheckpointer() {
      await table.close();
      await s3.close();
    },
  };
  specTest(initializer);
  deltaChannelHistoryTests(initializer);
}
