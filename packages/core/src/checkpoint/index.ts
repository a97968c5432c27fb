/** A LangGraph checkpointer on DynamoDB that can be used alone. See saver.ts for what is guaranteed. */
export type { BlobOptions, BlobStore } from "./blob-store.ts";
export type { DamagedTuple } from "./corrupt.ts";
export type { EncryptionOptions } from "./encryption.ts";
export type { ThreadReport } from "./inspect.ts";
export type { RunProgress } from "./progress.ts";
export { DynamoDBSaver, type DynamoDBSaverOptions } from "./saver.ts";
export { lifeConfig, withoutAnswer } from "./tombstone.ts";
