import type { RunnableConfig } from "@langchain/core/runnables";
import type { Checkpoint, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { isTenureError, TenureError } from "../errors.ts";

const advice =
  "Go back to an earlier checkpoint, of which the thread's history shows those that can be read: change the state from its checkpoint_id. Or delete the thread.";

/** Stored bytes are missing, or not those that were written; `what` names them. */
export const corrupt = (what: string, options?: { cause?: unknown | undefined }): TenureError =>
  new TenureError({ tag: "store-corrupt", store: "dynamodb", what, advice }, options);

/** For `catch`: undefined in place of what is damaged; anything else is thrown on. */
export function unlessCorrupt(error: unknown): undefined {
  if (!isTenureError(error, "store-corrupt")) throw error;
}

/** A checkpoint in a list that cannot be read: `error` says why, and whoever asks for `checkpoint` is thrown it. */
export interface DamagedTuple extends CheckpointTuple {
  error: TenureError;
}

export function damagedTuple(config: RunnableConfig, error: TenureError): DamagedTuple {
  return {
    config,
    error,
    get checkpoint(): Checkpoint {
      throw error;
    },
  };
}
