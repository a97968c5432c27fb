import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CompiledStateGraph } from "@langchain/langgraph";
import type { Graph, GraphFactory } from "@tenure/functions/graphs";

/** A graph that was compiled elsewhere, as one that this service runs; undefined for what is no such graph. */
export function graphFactory(exported: unknown): GraphFactory | undefined {
  if (typeof exported === "function")
    return ({ checkpointer }) =>
      async (config) =>
        withCheckpointer(await (exported as (config: RunnableConfig) => unknown)(config), checkpointer);
  const builder = exported as { compile?: () => unknown } | undefined;
  const compiled = typeof builder?.compile === "function" ? builder.compile() : exported;
  if (typeof compiled !== "object" || compiled === null || !("streamEvents" in compiled)) return undefined;
  return ({ checkpointer }) => withCheckpointer(compiled, checkpointer);
}

function withCheckpointer(compiled: unknown, checkpointer: BaseCheckpointSaver | undefined): Graph {
  const own = Object.create(
    Object.getPrototypeOf(compiled),
    Object.getOwnPropertyDescriptors(compiled),
  ) as CompiledStateGraph<unknown, unknown>;
  if (checkpointer) own.checkpointer = checkpointer;
  else delete own.checkpointer;
  return own as unknown as Graph;
}
