/** A LangGraph checkpointer on DynamoDB that can be used alone. See saver.ts for what is guaranteed. */

export type { EncryptionOptions } from "./bytes/encryption.ts";
export type { ObjectOptions, ObjectStore } from "./bytes/object-store.ts";
export type { DamagedTuple } from "./corrupt.ts";
export { incarnationConfig, withoutAnswer } from "./items/tombstone.ts";
export type { ThreadReport } from "./queries/inspect.ts";
export type { RunProgress } from "./queries/progress.ts";
export { DynamoDBSaver, type DynamoDBSaverOptions } from "./saver.ts";
