/**
 * The graphs that simulated processes run. A journal has what each node does, as the effects that it would have on the world
 * outside: what a run has done cannot be taken back, whatever becomes of its checkpoints.
 */
import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { surroundings } from "./world/globals.ts";
import type { SimulatedProcess } from "./world/process.ts";

/** A thing that a node has done. */
export interface Effect {
  at: number;
  process: string;
  thread: string;
  run: string;
  node: string;
  /** Of the message that the node works on. */
  token: string;
  /** The answer that a node which asks was given. */
  answer?: string;
  question?: string;
}

const list = Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] });
const State = Annotation.Root({
  said: list,
  token: Annotation<string>,
  /** The number of times that the graph `chat` thinks. */
  steps: Annotation<number>,
  /** Milliseconds that a node takes. */
  pace: Annotation<number>,
});
type Values = typeof State.State;
interface Config {
  configurable?: { thread_id?: string; run_id?: string };
  signal?: AbortSignal;
}

/** Returns what a message leaves in the state when its run comes to its end. */
export const whole = (graph: string, token: string, steps: number): string[] => {
  if (graph === "ask") return [token, `${token}.asked`, `${token}.1=ok:${token}?1`, `${token}.2=ok:${token}?2`];
  if (graph === "guard") return [token, `${token}.prepared`, `${token}.guarded`];
  return [token, ...Array.from({ length: steps }, (_, n) => `${token}.think${n}`), `${token}.answer`];
};

/** A node that is stopped ends at once, as those do that pass their signal on. */
const work = (ms: number, signal: AbortSignal | undefined) =>
  new Promise<void>((resolve, reject) => {
    const stop = () => reject(new Error("aborted"));
    if (signal?.aborted) return stop();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      stop();
    });
  });

export function graphs(journal: Effect[]): Record<string, GraphFactory> {
  const note = (node: string, { token }: Values, { configurable }: Config, more: Partial<Effect> = {}) => {
    const process = surroundings() as SimulatedProcess;
    const { thread_id: thread = "", run_id: run = "" } = configurable ?? {};
    journal.push({ at: process.world.now, process: process.name, thread, run, node, token, ...more });
    process.world.note(`${process.name}: node ${node} of ${token}${more.answer ? ` hears ${more.answer}` : ""}`);
  };

  async function think(state: Values, config: Config) {
    await work(state.pace, config.signal);
    const done = state.said.filter((one) => one.startsWith(`${state.token}.think`)).length;
    note("think", state, config);
    return { said: [`${state.token}.think${done}`] };
  }
  async function answer(state: Values, config: Config) {
    await work(state.pace, config.signal);
    note("answer", state, config);
    return { said: [`${state.token}.answer`] };
  }
  const isThinking = ({ said, token, steps }: Values) =>
    said.filter((one) => one.startsWith(`${token}.think`)).length < steps;

  function ask(state: Values, config: Config) {
    const { token } = state;
    const heard = [1, 2].map((n) => {
      const question = `${token}?${n}`;
      const told = String(interrupt(question));
      note("ask", state, config, { question, answer: told });
      return `${token}.${n}=${told}`;
    });
    return { said: heard };
  }

  const simple = (name: string, said: string) => async (state: Values, config: Config) => {
    await work(state.pace, config.signal);
    note(name, state, config);
    return { said: [`${state.token}.${said}`] };
  };

  return {
    chat: ({ checkpointer }) =>
      new StateGraph(State)
        .addNode("think", think)
        .addNode("answer", answer)
        .addConditionalEdges(START, (state) => (isThinking(state) ? "think" : "answer"), ["think", "answer"])
        .addConditionalEdges("think", (state) => (isThinking(state) ? "think" : "answer"), ["think", "answer"])
        .addEdge("answer", END)
        .compile({ checkpointer: checkpointer as never }) as never,
    ask: ({ checkpointer }) =>
      new StateGraph(State)
        .addNode("begin", simple("begin", "asked"))
        .addNode("ask", ask)
        .addEdge(START, "begin")
        .addEdge("begin", "ask")
        .addEdge("ask", END)
        .compile({ checkpointer: checkpointer as never }) as never,
    guard: ({ checkpointer }) =>
      new StateGraph(State)
        .addNode("prepare", simple("prepare", "prepared"))
        .addNode("guarded", simple("guarded", "guarded"))
        .addEdge(START, "prepare")
        .addEdge("prepare", "guarded")
        .addEdge("guarded", END)
        .compile({ checkpointer: checkpointer as never }) as never,
  };
}
