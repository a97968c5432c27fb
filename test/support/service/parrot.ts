/** A graph that answers with the very words it was told: what a test wants an agent to say. Words that begin with "fail" fail once each. */
import { AIMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";

export class Parrot {
  private readonly failed = new Set<string>();

  readonly graph: GraphFactory = ({ checkpointer }) =>
    new StateGraph(MessagesAnnotation)
      .addNode("model", ({ messages }) => {
        const said = messages.at(-1)?.text ?? "";
        if (said.startsWith("fail") && !this.failed.has(said)) {
          this.failed.add(said);
          throw new Error("the model is away");
        }
        return { messages: [new AIMessage(said)] };
      })
      .addEdge(START, "model")
      .compile({ ...(checkpointer && { checkpointer }), name: "parrot" }) as unknown as ReturnType<GraphFactory>;
}
