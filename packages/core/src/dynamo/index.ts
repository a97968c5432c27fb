/**
 * DynamoDB, seen so that an expired item is absent and a batch finishes. See table.ts.
 *
 * @example
 * import { systemClock } from "@tenure/core/clock";
 * import { connectDynamo, ensureTable, Table } from "@tenure/core/dynamo";
 *
 * const client = connectDynamo({ endpoint: "http://127.0.0.1:8000", region: "local" });
 * await ensureTable(client, "things");
 * const table = new Table({ client, tableName: "things", clock: systemClock });
 * await table.put({ pk: "thing#1", sk: "thing", expiresAt: Date.now() / 1000 - 1 });
 * const nothing = await table.get({ pk: "thing#1", sk: "thing" });
 */
export { untilDone } from "./again.ts";
export {
  asDocumentClient,
  connectDynamo,
  type DynamoConfig,
  type DynamoDBClient,
  type DynamoDBDocumentClient,
  describeTable,
  ensureTable,
  type TableFacts,
} from "./client.ts";
export { tableDefinition } from "./definition.ts";
export { isItemTooLarge } from "./faults.ts";
export { checkFormat, FORMAT, Format } from "./format.ts";
export { checkGuard, guarded, underGuard, type WriteGuard } from "./guard.ts";
export type { DynamoCost } from "./lean.ts";
export { Owned } from "./owned.ts";
export { type Item, type Key, Table } from "./table.ts";
