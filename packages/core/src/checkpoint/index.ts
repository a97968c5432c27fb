/**
 * A LangGraph checkpointer on DynamoDB that can be used alone. See saver.ts for what is guaranteed.
 *
 * @example
 * import { DynamoDBSaver } from "@tenure/core/checkpoint";
 * import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
 *
 * const client = connectDynamo({ region: "eu-central-1" });
 * await ensureTable(client, "agents");
 * const checkpointer = new DynamoDBSaver({ client, tableName: "agents", ttlMs: 30 * 24 * 60 * 60 * 1000 });
 * const latest = await checkpointer.getTuple({ configurable: { thread_id: "thread-1" } });
 */

export type { BlobOptions, BlobStore } from "./bytes/blob-store.ts";
export type { EncryptionOptions } from "./bytes/encryption.ts";
export type { DamagedTuple } from "./corrupt.ts";
export { incarnationConfig, withoutAnswer } from "./items/tombstone.ts";
export type { ThreadReport } from "./queries/inspect.ts";
export type { RunProgress } from "./queries/progress.ts";
export { DynamoDBSaver, type DynamoDBSaverOptions } from "./saver.ts";
