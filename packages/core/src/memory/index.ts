/**
 * LangGraph's long-term memory on DynamoDB; it can be used alone.
 *
 * @example
 * import { connectDynamo } from "@tenure/core/dynamo";
 * import { DynamoDBStore } from "@tenure/core/memory";
 *
 * const store = new DynamoDBStore({ client: connectDynamo({}), tableName: "agents", scope: "user_ada" });
 * await store.put(["profile"], "name", { text: "Ada" });
 * const found = await store.search(["profile"], { filter: { text: "Ada" } });
 */
export { DynamoDBStore, type DynamoDBStoreOptions, type FoundItem } from "./dynamo-store.ts";
export { OPERATORS } from "./filter.ts";
