/** DynamoDB, seen so that an expired item is absent and a batch finishes. See table.ts. */
export { untilDone } from "./again.ts";
export {
  asDocumentClient,
  connectDynamo,
  type DynamoConfig,
  type DynamoCost,
  type DynamoDBClient,
  type DynamoDBDocumentClient,
  describeTable,
  ensureTable,
  isItemTooLarge,
  type TableFacts,
} from "./client.ts";
export { tableDefinition } from "./definition.ts";
export { checkFormat, FORMAT, Format } from "./format.ts";
export { checkGuard, guarded, underGuard, type WriteGuard } from "./guard.ts";
export { Owned } from "./owned.ts";
export { type Item, type Key, Table } from "./table.ts";
