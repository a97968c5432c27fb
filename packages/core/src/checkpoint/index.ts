/** A LangGraph checkpointer on DynamoDB that can be used alone. See saver.ts for what is guaranteed. */
export type { ThreadReport } from "./inspect.ts";
export { DynamoDBSaver, type DynamoDBSaverOptions } from "./saver.ts";
