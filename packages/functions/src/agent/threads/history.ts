/** A thread's earlier states, newest first, one after the other. */
import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointListOptions, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { DynamoDBSaver } from "@tenure/core/checkpoint";
import { isTenureError } from "@tenure/core/errors";
import type { Graph } from "../../graphs/graph.ts";
import { damageOf, type StateSnapshot } from "../wire.ts";

/** A checkpoint that is there and cannot be read. */
export interface DamagedState {
  config: RunnableConfig;
  error: { error: string; message: string };
}

/**
 * The states of a graph's checkpoints. One that cannot be read stands in its place, and the history goes on past it: the
 * graph's own history ends there, so another one is begun behind it.
 */
export async function* historyOf(
  { graph, saver }: { graph: Graph; saver: DynamoDBSaver },
  config: RunnableConfig,
  options: CheckpointListOptions & { limit: number },
): AsyncGenerator<StateSnapshot | DamagedState> {
  let { before, limit } = options;
  while (limit > 0) {
    const states = graph.getStateHistory(config, { ...options, ...(before && { before }), limit });
    try {
      for await (const state of states) {
        yield state;
        before = state.config;
        limit -= 1;
      }
      return;
    } catch (error) {
      if (isTenureError(error, "store-unavailable")) throw error;
      const damaged = await nextOf(saver, config, { ...options, ...(before && { before }), limit: 1 });
      if (!damaged) throw error;
      yield { config: damaged.config, error: damageOf(error) };
      before = damaged.config;
      limit -= 1;
    }
  }
}

async function nextOf(
  saver: DynamoDBSaver,
  config: RunnableConfig,
  options: CheckpointListOptions,
): Promise<CheckpointTuple | undefined> {
  const configurable = { ...config.configurable, checkpoint_ns: config.configurable?.checkpoint_ns ?? "" };
  for await (const tuple of saver.list({ configurable }, options)) return tuple;
  return undefined;
}
