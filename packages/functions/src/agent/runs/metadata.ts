import type { RunnableConfig } from "@langchain/core/runnables";

/**
 * Metadata by which a checkpoint tells of the run that put it, so that a thread's history can be searched by it and a run's checkpoints
 * can be told from others: the run's metadata, without what LangGraph itself adds for tracing.
 */
export function checkpointMetadata({ metadata = {} }: RunnableConfig): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !/^(langgraph_|ls_|checkpoint_|__)/.test(key)));
}
