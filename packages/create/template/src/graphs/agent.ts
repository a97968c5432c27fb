/**
 * An agent that calls tools until it has an answer.
 *
 *     start -> model -> (a tool is called) -> tools -> model
 *                    -> (none is)          -> end
 */
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import type { GraphFactory } from "@tenure/functions/graphs";
import { tools } from "../tools/index.ts";

export const agent: GraphFactory = ({ model, checkpointer }) => {
  const withTools = model.bindTools?.(tools) ?? model;
  return new StateGraph(MessagesAnnotation)
    .addNode("model", async ({ messages }) => ({ messages: [await withTools.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "model")
    .addConditionalEdges("model", toolsCondition, ["tools", END])
    .addEdge("tools", "model")
    .compile({ ...(checkpointer && { checkpointer }) });
};
