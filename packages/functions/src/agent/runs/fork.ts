/** Runs and changes that go on from an earlier checkpoint. */
import type { RunnableConfig } from "@langchain/core/runnables";
import type { DynamoDBSaver } from "@tenure/core/checkpoint";
import { TenureError } from "@tenure/core/errors";
import type { RunRequest } from "./request.ts";

/** The id of the checkpoint that a request goes on from, where it names one. */
export const forkOf = ({ checkpoint, checkpoint_id }: Pick<RunRequest, "checkpoint" | "checkpoint_id">) =>
  (checkpoint?.checkpoint_id ?? checkpoint_id) || undefined;

/**
 * Throws `checkpoint-not-found` when a config names a checkpoint that is not there. LangGraph would go on from an empty state, which
 * from then on is the thread's latest.
 */
export async function refuseAbsent(saver: DynamoDBSaver, config: RunnableConfig): Promise<void> {
  const checkpointId = config.configurable?.checkpoint_id;
  if (!checkpointId || (await saver.getTuple(config))) return;
  throw new TenureError({ tag: "checkpoint-not-found", checkpointId: String(checkpointId) });
}
