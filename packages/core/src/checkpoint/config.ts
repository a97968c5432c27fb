/** Reads runnable configs that name checkpoints or runs, and makes configs that name checkpoints. */
import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { invalidInput } from "../errors.ts";
import type { CheckpointRef } from "./items/keys.ts";

/** The text at a key of `configurable`, if it is there; throws `invalid-input` when it is something else. */
export function text(config: RunnableConfig, key: string): string | undefined {
  const value: unknown = config.configurable?.[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw invalidInput(`configurable.${key} must be a string`);
}

/** Reads an entry that has to be there for `action`. */
export function required(config: RunnableConfig, key: string, action: string): string {
  const value = text(config, key);
  if (value) return value;
  const issue = `Cannot ${action}: the config lacks configurable.${key}. Pass { configurable: { ${key}: "..." } }.`;
  throw invalidInput(issue);
}

/** The checkpoint of the graph that a sub-graph's checkpoint is a part of, by LangGraph's metadata `parents`: id by namespace. */
export function enclosingOf(
  { threadId, namespace }: CheckpointRef,
  metadata: CheckpointMetadata,
): CheckpointRef | undefined {
  const parents = Object.entries(metadata.parents ?? {}).filter(([name]) => name !== namespace);
  // The innermost has the longest name, of those around it.
  const [innermost] = parents.sort(([a], [b]) => b.length - a.length);
  if (innermost === undefined || typeof innermost[1] !== "string") return undefined;
  return { threadId, namespace: innermost[0], checkpointId: innermost[1] };
}

export function toConfig({ threadId, namespace, checkpointId }: CheckpointRef): RunnableConfig {
  return { configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: checkpointId } };
}

/** The run that a config belongs to, if it says so. */
export function runOf({ configurable, metadata }: RunnableConfig): string | undefined {
  return [configurable?.run_id, metadata?.run_id].find((one) => typeof one === "string");
}
