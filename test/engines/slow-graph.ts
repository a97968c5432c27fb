import { AIMessage } from "@langchain/core/messages";
import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  /** How many steps a turn takes, and how long each, in milliseconds. */
  steps: Annotation<number>,
  pauseMs: Annotation<number>,
  taken: Annotation<number>,
});

/** So many steps of so long, each of which says its number. */
export const slow: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("begin", () => ({ taken: 0 }))
    .addNode("step", async ({ taken, pauseMs }, { signal }: { signal?: AbortSignal }) => {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, pauseMs);
        signal?.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(new Error("aborted"));
        });
      });
      return {
        taken: taken + 1,
        messages: [new AIMessage({ id: `step-${taken}-${crypto.randomUUID()}`, content: `step ${taken}` })],
      };
    })
    .addEdge(START, "begin")
    .addEdge("begin", "step")
    .addConditionalEdges("step", ({ taken, steps }) => (taken < steps ? "step" : "__end__"), ["step", "__end__"])
    .compile({ ...(checkpointer && { checkpointer }), name: "slow" }) as unknown as ReturnType<GraphFactory>;
