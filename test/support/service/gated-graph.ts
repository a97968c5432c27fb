import { AIMessage } from "@langchain/core/messages";
import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import type { Gate } from "./gate.ts";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  /** The number of steps in a turn. */
  steps: Annotation<number>,
  /** Where each of them asks for leave: see gate.ts. Without it they do not wait. */
  gate: Annotation<string | null>,
  taken: Annotation<number>,
});

/** A graph of so many steps, each of which passes a gate and then says its number. */
export const gated: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("begin", () => ({ taken: 0 }))
    .addNode("step", async ({ taken, gate }, { signal }: { signal?: AbortSignal }) => {
      if (gate) await fetch(`${gate}/${taken}`, { ...(signal && { signal }) });
      return {
        taken: taken + 1,
        messages: [new AIMessage({ id: `step-${taken}-${crypto.randomUUID()}`, content: `step ${taken}` })],
      };
    })
    .addEdge(START, "begin")
    .addEdge("begin", "step")
    .addConditionalEdges("step", ({ taken, steps }) => (taken < steps ? "step" : "__end__"), ["step", "__end__"])
    .compile({ ...(checkpointer && { checkpointer }), name: "gated" }) as unknown as ReturnType<GraphFactory>;

/** The messages of a turn of `steps` steps, the one that it was told first. */
export const said = (steps: number, content = "go"): string[] => [
  content,
  ...Array.from({ length: steps }, (_, n) => `step ${n}`),
];

/** The input of a turn. */
export const turn = (steps: number, { content = "go", gate }: { content?: string; gate?: Gate } = {}) => ({
  input: { messages: [{ role: "user", content }], steps, gate: gate?.url ?? null },
});
