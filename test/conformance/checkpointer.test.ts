/** LangChain's own validation of a checkpointer, over every DynamoDB. */

import { deltaChannelHistoryTests, specTest } from "@langchain/langgraph-checkpoint-validation";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { dynamoEngines, type TestTable } from "../engines/dynamo.ts";

for (const { name, open } of dynamoEngines) {
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
