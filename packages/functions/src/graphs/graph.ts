/** The types of this service's graphs; index.ts has the graphs. */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CompiledStateGraph } from "@langchain/langgraph";

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
