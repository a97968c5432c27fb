/**
 * The graphs that this service runs, by the name that clients use as `assistant_id`. To add one, write a file
 * beside agent.ts and add its line to `graphs`. See docs/agents.md.
 */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CompiledStateGraph } from "@langchain/langgraph";
import { asUserCode } from "../user-code.ts";
import { agent } from "./agent.ts";

const graphs: Record<string, GraphFactory> = {
  agent,
};

export interface GraphContext {
  /** The model of TENURE_MODEL, or the offline one. */
  model: BaseChatModel;
  /** Where the graph's state is kept, if it is; to be passed to `compile`. */
  checkpointer: BaseCheckpointSaver | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a graph's state and node names are its own affair.
export type Graph = CompiledStateGraph<any, any, any, any, any, any>;
/** Makes the graph once, or says how it is made for each run and each reader of its state, from what they are configured with. */
export type GraphFactory = (context: GraphContext) => Graph | GraphMaker;
export type GraphMaker = (config: RunnableConfig) => Graph | Promise<Graph>;
export type Graphs = ReadonlyMap<string, GraphMaker>;

export function compileGraphs(context: GraphContext, factories: Record<string, GraphFactory> = graphs): Graphs {
  const compiled = Object.entries(factories).map(([name, make]): [string, GraphMaker] => {
    const graph = make(context);
    return [
      name,
      typeof graph === "function" ? (config) => asUserCode({ graph: name }, () => graph(config)) : () => graph,
    ];
  });
  return new Map(compiled);
}
