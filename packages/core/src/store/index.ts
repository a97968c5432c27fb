/** LangGraph's long-term memory on DynamoDB; it can be used alone. */
export { DynamoDBStore, type DynamoDBStoreOptions } from "./dynamo-store.ts";
export { OPERATORS } from "./filter.ts";
