/** A DynamoDB that answers at once, for the time that the saver itself takes. */
import type { DynamoDBDocumentClient } from "@tenure/core/dynamo";
import { type Command, MemoryTable } from "../../test/support/stores/memory-table/table.ts";

/** Returns a table in memory that saver.ts takes for a client. */
export function stubClient(): DynamoDBDocumentClient {
  const table = new MemoryTable({ copies: false });
  class DynamoDBDocumentClient {
    async send(command: Command): Promise<unknown> {
      return table.execute(command);
    }
  }
  return new DynamoDBDocumentClient() as unknown as DynamoDBDocumentClient & never;
}
