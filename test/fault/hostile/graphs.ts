/** Graphs that misbehave, each in its own way, and one that does not. */
import { EventEmitter } from "node:events";
import { createReadStream } from "node:fs";
import { Annotation, END, entrypoint, interrupt, START, StateGraph, task } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";

const State = Annotation.Root({ n: Annotation<number>, value: Annotation<unknown> });
type Config = { writer?: (value: unknown) => void; signal?: AbortSignal };
type Node = (state: typeof State.State, config: Config) => unknown;

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const graphOf =
  (node: Node): GraphFactory =>
  ({ checkpointer }) =>
    new StateGraph(State)
      .addNode("work", node as never)
      .addEdge(START, "work")
      .addEdge("work", END)
      .compile({ checkpointer: checkpointer as never }) as never;

const throwing = (value: unknown) =>
  graphOf(() => {
    throw value;
  });
const writing = (value: unknown) =>
  graphOf((_, { writer }) => {
    writer?.(value);
    return { n: 1 };
  });
/** Leaves something behind that fails while the run goes on. */
const leaving = (leave: (config: Config) => void) =>
  graphOf(async (_, config) => {
    leave(config);
    await wait(100);
    return { n: 1 };
  });
const fails = () => {
  throw new Error("left behind");
};

const circle: Record<string, unknown> = {};
circle.again = { circle };
let deep: unknown = "end";
for (let level = 0; level < 20_000; level++) deep = { in: deep };
const spiteful = new Proxy(
  {},
  {
    get: fails,
    getPrototypeOf: fails,
    ownKeys: fails,
    has: fails,
  },
);
const unreadable = {
  get secret() {
    return fails();
  },
};

/** The end of its run: "either" where LangGraph may or may not notice. */
type Ends = "success" | "error" | "either" | "interrupted";

interface Hostile {
  graph: GraphFactory;
  ends: Ends;
  /** A part of the error's message. */
  says?: string;
  /** True when its run has no end of its own, and is cancelled. */
  cancel?: true;
}

export const hostile: Record<string, Hostile> = {
  "throws undefined": { graph: throwing(undefined), ends: "error" },
  "throws null": { graph: throwing(null), ends: "error" },
  "throws an object without a prototype": { graph: throwing(Object.create(null)), ends: "error" },
  "throws a proxy that throws whatever it is asked": { graph: throwing(spiteful), ends: "error" },
  "throws a text": { graph: throwing("no"), ends: "error" },
  "throws a symbol": { graph: throwing(Symbol("no")), ends: "error" },
  "throws a BigInt": { graph: throwing(1n), ends: "error" },
  "throws an error of a megabyte": { graph: throwing(new Error("x".repeat(1_000_000))), ends: "error" },
  "throws an error whose message cannot be read": {
    graph: throwing(Object.defineProperty(new Error("no"), "message", { get: fails })),
    ends: "error",
  },
  "throws an error that is its own cause": {
    graph: throwing(Object.assign(new Error("no"), { cause: circle })),
    ends: "error",
  },
  "rejects with nothing": { graph: graphOf(() => Promise.reject()), ends: "error" },
  "forgets a call that fails": {
    graph: leaving(() => void fetch("http://127.0.0.1:1/telemetry")),
    ends: "success",
  },
  "forgets a promise that rejects with nothing": { graph: leaving(() => void Promise.reject()), ends: "success" },
  "forgets a promise that rejects when the run is over": {
    graph: leaving(() => void wait(400).then(fails)),
    ends: "success",
  },
  "leaves a timer that throws": { graph: leaving(() => setTimeout(fails, 20)), ends: "success" },
  "leaves a timer that throws when the run is over": { graph: leaving(() => setTimeout(fails, 400)), ends: "success" },
  "leaves an interval that throws": {
    graph: leaving(() => {
      let left = 5;
      const timer = setInterval(() => {
        if (--left === 0) clearInterval(timer);
        fails();
      }, 10);
    }),
    ends: "success",
  },
  "leaves a microtask that throws": { graph: leaving(() => queueMicrotask(fails)), ends: "success" },
  "leaves a tick that throws": { graph: leaving(() => process.nextTick(fails)), ends: "success" },
  "leaves an immediate that throws": { graph: leaving(() => setImmediate(fails)), ends: "success" },
  "leaves an emitter whose error nobody hears": {
    graph: leaving(() => setTimeout(() => new EventEmitter().emit("error", new Error("unheard")), 10)),
    ends: "success",
  },
  "leaves a stream whose error nobody hears": {
    graph: leaving(() => createReadStream("/not/there").resume()),
    ends: "success",
  },
  "throws when it hears of its end": {
    graph: graphOf(async (_, { signal }) => {
      signal?.addEventListener("abort", fails);
      await wait(60_000);
      return { n: 1 };
    }),
    ends: "interrupted",
    cancel: true,
  },
  "tells undefined": { graph: writing(undefined), ends: "error", says: "A custom event has no JSON: it is undefined" },
  "tells a function": { graph: writing(() => 1), ends: "error", says: "it is a function" },
  "tells a symbol": { graph: writing(Symbol("s")), ends: "error", says: "it is a symbol" },
  "tells a circle": { graph: writing(circle), ends: "error", says: ".again.circle refers to what it is in" },
  "tells a BigInt": { graph: writing({ cost: [{ wei: 1n }] }), ends: "error", says: ".cost[0].wei is a BigInt" },
  "tells what has no end": { graph: writing(deep), ends: "error", says: "nested deeper than 500 levels" },
  "tells what cannot be read": { graph: writing(unreadable), ends: "error", says: ".secret cannot be read" },
  "tells something when the run is over": {
    graph: leaving(({ writer }) => setTimeout(() => writer?.("late"), 300)),
    ends: "success",
  },
  "tells ten thousand things": {
    graph: graphOf((_, { writer }) => {
      for (let n = 0; n < 10_000; n++) writer?.({ n });
      return { n: 1 };
    }),
    ends: "success",
  },
  "returns nothing": { graph: graphOf(() => undefined), ends: "either" },
  "returns a number": { graph: graphOf(() => 1), ends: "error" },
  "returns a function as a value": { graph: graphOf(() => ({ value: () => 1 })), ends: "error" },
  "returns a BigInt": { graph: graphOf(() => ({ value: 1n })), ends: "error", says: "value" },
  "returns a circle": { graph: graphOf(() => ({ value: circle })), ends: "error" },
  "returns what cannot be read": { graph: graphOf(() => ({ value: unreadable })), ends: "either" },
  "is a function that returns nothing": {
    graph: ({ checkpointer }) => {
      const step = task("step", async () => {});
      return entrypoint({ name: "nothing", checkpointer: checkpointer as never }, async () => {
        await step();
      }) as never;
    },
    ends: "success",
  },
  "goes round for good": {
    graph: ({ checkpointer }) =>
      new StateGraph(State)
        .addNode("work", ({ n = 0 }) => ({ n: n + 1 }))
        .addEdge(START, "work")
        .addConditionalEdges("work", () => "work", ["work"])
        .compile({ checkpointer: checkpointer as never }) as never,
    ends: "error",
  },
  "holds 200 MB": {
    graph: graphOf(async () => {
      const held = Array.from({ length: 200 }, () => Buffer.alloc(1024 * 1024, 1));
      await wait(100);
      return { n: held.length };
    }),
    ends: "success",
  },
  "does not hear that it is to end": {
    graph: graphOf(async () => {
      for (let n = 0; n < 100; n++) await wait(100);
      return { n: 1 };
    }),
    ends: "interrupted",
    cancel: true,
  },
  "never ends": { graph: graphOf(() => new Promise(() => {})), ends: "interrupted", cancel: true },
  "asks what has no JSON": { graph: graphOf(() => ({ value: interrupt({ wei: 1n }) })), ends: "error" },
  "cannot be made": {
    graph: () => () => {
      throw Object.create(null);
    },
    ends: "error",
  },
};

/** Tells a number every 10 ms, so many times. */
export const NUMBERS = 20;
export const wellBehaved: GraphFactory = graphOf(async (_, { writer }) => {
  for (let n = 0; n < NUMBERS; n++) {
    writer?.(n);
    await wait(10);
  }
  return { n: NUMBERS };
});
