/** A LangGraph checkpointer on DynamoDB that can be used alone. See saver.ts for what is guaranteed. */
export type { BlobOptions, BlobStore } from "./bytes/blob-store.ts";
export type { EncryptionOptions } from "./bytes/encryption.ts";
export type { DamagedTuple } from "./corrupt.ts";
export { incarnationConfig, withoutAnswer } from "./items/tombstone.ts";
export type { ThreadReport } from "./queries/inspect.ts";
export type { RunProgress } from "./queries/progress.ts";
export { DynamoDBSaver, type DynamoDBSaverOptions } from "./saver.ts";
