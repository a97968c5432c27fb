/** LangGraph's long-term memory on DynamoDB; it can be used alone. */
export { DynamoDBStore, type DynamoDBStoreOptions, type FoundItem } from "./dynamo-store.ts";
export { OPERATORS } from "./filter.ts";
