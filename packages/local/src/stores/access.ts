/**
 * The stores of the local stack, as the rest of it sees them. They are reached over loopback alone, so that they may be in another thread
 * than a service, or in another process, and stay open while a service is replaced.
 */
import type { LocalConfig } from "../config.ts";

export const TABLE = "tenure";
export const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

/** How a service reaches the stores: plain values, which can be sent to another process. */
export interface StoreAccess {
  redis: { url: string; token: string; deadlineMs: number };
  dynamo: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    requestTimeoutMs: number;
  };
  pepper: string;
  generation: string;
}

/** The settings that the stores have. */
export type StoreConfig = Pick<LocalConfig, "dataDir" | "redisUrl" | "dynamoEndpoint" | "skipDamage">;

export interface StoreOptions {
  /** Epoch milliseconds, for the embedded engines. */
  now: () => number;
  sweepEveryMs?: number | false | undefined;
}

export interface LocalStores {
  access: StoreAccess;
  /** The engines in use and where they are, in one line each. */
  engines: string[];
  /** Deletes what has expired from the embedded DynamoDB now, and returns how many items; elsewhere 0. */
  sweep(): Promise<number>;
  /** Everything acknowledged is kept. */
  close(): Promise<void>;
}
