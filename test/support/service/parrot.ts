/** A graph that answers with the very words it was told: whatever a test wants an agent to say. */
import { AIMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";

export const parrot: GraphFactory = ({ checkpointer }) =>
  new StateGraph(MessagesAnnotation)
    .addNode("model", ({ messages }) => ({ messages: [new AIMessage(messages.at(-1)?.text ?? "")] }))
    .addEdge(START, "model")
    .compile({ ...(checkpointer && { checkpointer }), name: "parrot" }) as unknown as ReturnType<GraphFactory>;
