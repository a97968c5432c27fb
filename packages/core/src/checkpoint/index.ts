/** A LangGraph checkpointer on DynamoDB that can be used alone. See saver.ts for what is guaranteed. */
export { DynamoDBSaver, type DynamoDBSaverOptions } from "./saver.ts";
