import type { CompiledStateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";

/** A graph that was compiled elsewhere, as one that this service runs; undefined for what is no such graph. */
export function graphFactory(exported: unknown): GraphFactory | undefined {
  const builder = exported as { compile?: () => unknown } | undefined;
  const compiled = typeof builder?.compile === "function" ? builder.compile() : exported;
  if (typeof compiled !== "object" || compiled === null || !("streamEvents" in compiled)) return undefined;
  return ({ checkpointer }) => {
    const own = Object.create(
      Object.getPrototypeOf(compiled),
      Object.getOwnPropertyDescriptors(compiled),
    ) as CompiledStateGraph<unknown, unknown>;
    if (checkpointer) own.checkpointer = checkpointer;
    else delete own.checkpointer;
    return own as unknown as ReturnType<GraphFactory>;
  };
}
