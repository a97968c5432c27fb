/** A graph of one node that says 42, for tests of what is around a run. */
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";

const State = Annotation.Root({ said: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }) });

export const saying: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("say", () => ({ said: ["42"] }))
    .addEdge(START, "say")
    .compile({ ...(checkpointer && { checkpointer }) }) as unknown as ReturnType<GraphFactory>;
