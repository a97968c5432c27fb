/**
 * A process that has a run dies at each of its requests to DynamoDB, one after the other, and another process takes the run over:
 * it ends as it would have, nothing is approved twice or by nobody, and no input is lost or used twice.
 */
import { Annotation, interrupt, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import type { Graph, GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isLong } from "../support/runner/size.ts";
import {
  newRun,
  OWNER,
  openProcesses,
  type Process,
  type Processes,
  type Request,
} from "../support/service/processes.ts";

const State = Annotation.Root({
  said: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});
/** Effects of nodes, by thread. A node that was cut short may have its effect again. */
const effects = new Map<string, Set<string>>();
const does = (thread: unknown, effect: string) => {
  effects.set(String(thread), (effects.get(String(thread)) ?? new Set()).add(effect));
  return { said: [effect] };
};
type Config = { configurable?: Record<string, unknown> };

const chain = (names: string[], options: object): GraphFactory =>
  (({ checkpointer }) => {
    const graph = new StateGraph(State) as unknown as {
      addNode(name: string, node: (state: object, config: Config) => object): void;
      addEdge(from: string, to: string): void;
      compile(options: object): Graph;
    };
    for (const [i, name] of names.entries()) {
      graph.addNode(name, (_, { configurable }) => does(configurable?.thread_id, name));
      graph.addEdge(names[i - 1] ?? START, name);
    }
    return graph.compile({ checkpointer: checkpointer ?? new MemorySaver(), ...options });
  }) as GraphFactory;

/** Two tasks at once, the first of which asks twice. */
const asking: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("twice", (_, { configurable }) => {
      const mail = interrupt("send the mail?");
      const disk = interrupt("wipe the disk?");
      return does(configurable?.thread_id, `mail ${mail}, disk ${disk}`);
    })
    .addNode("once", (_, { configurable }) => does(configurable?.thread_id, `door ${interrupt("open the door?")}`))
    .addEdge(START, "twice")
    .addEdge(START, "once")
    .compile({ checkpointer: checkpointer ?? new MemorySaver() }) as unknown as Graph;

const twice: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("ask", (_, { configurable }) => {
      const mail = interrupt("send the mail?");
      const disk = interrupt("wipe the disk?");
      return does(configurable?.thread_id, `mail ${mail}, disk ${disk}`);
    })
    .addNode("after", (_, { configurable }) => does(configurable?.thread_id, "after"))
    .addEdge(START, "ask")
    .addEdge("ask", "after")
    .compile({ checkpointer: checkpointer ?? new MemorySaver() }) as unknown as Graph;

/** A graph within a task, with a breakpoint of its own. */
const nested: GraphFactory = ({ checkpointer }) => {
  const inner = new StateGraph(State)
    .addNode("first", (_, { configurable }) => does(configurable?.thread_id, "first"))
    .addNode("guarded", (_, { configurable }) => does(configurable?.thread_id, "guarded"))
    .addEdge(START, "first")
    .addEdge("first", "guarded")
    .compile({ interruptBefore: ["guarded"] });
  return new StateGraph(State)
    .addNode("inner", inner)
    .addEdge(START, "inner")
    .compile({ checkpointer: checkpointer ?? new MemorySaver() }) as unknown as Graph;
};

interface Case {
  graph: GraphFactory;
  /** Run before, undisturbed. */
  before?: Request[];
  /** The request of the run that is taken over; made of the state before it. */
  request: (at: { checkpoints: string[]; questions: string[] }) => Request;
}

const input = { said: ["hello"] };
const yes = { input: undefined, command: { resume: "yes" } };
const cases: Record<string, Case> = {
  "goes on": { graph: chain(["a", "b", "c"], {}), request: () => ({ input }) },
  "goes on, and stores only at the end": {
    graph: chain(["a", "b"], {}),
    request: () => ({ input, durability: "exit" }),
  },
  "goes on, and waits for each checkpoint": {
    graph: chain(["a", "b"], {}),
    request: () => ({ input, durability: "sync" }),
  },
  "forks an earlier checkpoint": {
    graph: chain(["a", "b"], {}),
    before: [{ input }],
    request: ({ checkpoints }) => ({
      input: { said: ["edited"] },
      checkpoint: { checkpoint_id: checkpoints.at(-1) ?? "" },
    }),
  },
  "stops before a node": {
    graph: chain(["a", "guarded"], {}),
    request: () => ({ input, interrupt_before: ["guarded"] }),
  },
  "stops before each node": { graph: chain(["a", "b"], {}), request: () => ({ input, interrupt_before: "*" }) },
  "stops after a node": { graph: chain(["a", "guarded"], {}), request: () => ({ input, interrupt_after: ["a"] }) },
  "stops after a node, and stores only at the end": {
    graph: chain(["a", "b", "guarded"], {}),
    request: () => ({ input, interrupt_after: ["b"], durability: "exit" }),
  },
  "stops after a node, and stores only at the end, in a thread that has a state": {
    graph: chain(["a", "b", "guarded"], {}),
    before: [{ input }],
    request: () => ({ input, interrupt_after: ["b"], durability: "exit" }),
  },
  "stops before a node, and stores only at the end": {
    graph: chain(["a", "guarded"], {}),
    request: () => ({ input, interrupt_before: ["guarded"], durability: "exit" }),
  },
  "passes the node before its breakpoint": {
    graph: chain(["a", "b", "guarded"], {}),
    request: () => ({ input, interrupt_after: ["b"] }),
  },
  "stops where its graph does": {
    graph: chain(["a", "guarded"], { interruptBefore: ["guarded"] }),
    request: () => ({ input }),
  },
  "stops where a graph within it does": { graph: nested, request: () => ({ input }) },
  "passes the breakpoint where it began": {
    graph: chain(["a", "guarded", "b"], { interruptBefore: ["guarded", "b"] }),
    before: [{ input }],
    request: () => ({ input: undefined }),
  },
  "answers the first of two questions": { graph: twice, before: [{ input }], request: () => yes },
  "answers the second of two questions": { graph: twice, before: [{ input }, yes], request: () => yes },
  "answers two of three questions, each by its id": {
    graph: asking,
    before: [{ input }],
    request: ({ questions }) => ({
      input: undefined,
      command: { resume: Object.fromEntries(questions.map((id) => [id, "yes"])) },
    }),
  },
  "changes the state, and goes elsewhere": {
    graph: chain(["a", "b"], {}),
    before: [{ input, interrupt_before: ["b"] }],
    request: () => ({ input: undefined, command: { update: { said: ["changed"] }, goto: "a" } }),
  },
};

describe.each(Object.entries(cases))("a run that %s", (_, { graph: factory, before = [], request }) => {
  let processes: Processes;
  let steady: Process;
  beforeAll(async () => {
    processes = await openProcesses({ graph: factory });
    steady = await processes.open();
  });
  afterAll(() => processes.close());

  async function graph(): Promise<Graph> {
    return (await steady.deps.graphs.get("graph")?.({})) as Graph;
  }

  /** A thread with what comes before the run, and the run that is to be taken over. */
  async function prepare() {
    const threadId = await processes.newThread();
    for (const one of before) {
      const run = newRun(threadId, one);
      await steady.runner.submit(run, { here: true });
      await steady.runner.ended(threadId, run.id);
    }
    const config = { configurable: { thread_id: threadId } };
    const history = [];
    if (before.length > 0) for await (const one of (await graph()).getStateHistory(config)) history.push(one);
    const questions = history[0]?.tasks.flatMap(({ interrupts }) => interrupts.map(({ id }) => String(id))) ?? [];
    const checkpoints = history.map((one) => String(one.config.configurable?.checkpoint_id));
    return { threadId, run: newRun(threadId, request({ checkpoints, questions })) };
  }

  /** Resolves to what the run has come to: its end, its thread's state, and its effects. */
  async function outcome(threadId: string, runId: string) {
    const { deps } = steady;
    const [run, thread] = [await deps.threads.run(threadId, runId), await deps.threads.get(threadId, OWNER)];
    const state = await (await graph()).getState({ configurable: { thread_id: threadId } });
    return {
      run: [run?.status, run?.error],
      thread: [thread?.status, thread?.inflight],
      said: state.values.said,
      next: [...state.next].sort(),
      asks: state.tasks
        .flatMap(({ interrupts }) => interrupts.map(({ id, value }) => [id === undefined, value]))
        .sort(),
      effects: [...(effects.get(threadId) ?? [])].sort(),
    };
  }

  it("ends as it would have, wherever its process dies", async () => {
    const undisturbed = await prepare();
    const alone = await processes.open();
    const first = alone.dynamo.count;
    await alone.runner.submit(undisturbed.run, { here: true });
    await alone.runner.idle();
    const requests = alone.dynamo.count - first;
    const expected = await outcome(undisturbed.threadId, undisturbed.run.id);
    expect(expected.run[0]).toBe("success");
    let lives = 0;
    for (let nth = 2; nth <= requests; nth++)
      for (const when of ["before", "after"] as const) {
        if (!isLong && (nth + (when === "after" ? 1 : 0)) % 3 !== 0) continue;
        const { threadId, run } = await prepare();
        const dying = await processes.open();
        dying.dynamo.dieAt(nth, when);
        // Should it have no such request this time, the run ends by itself.
        const over = dying.runner.submit(run, { here: true }).then(() => dying.runner.idle());
        await Promise.race([dying.dynamo.dead, over.catch(() => {})]);
        await steady.takeOver(threadId);
        // A run whose admission was cut short is asked for again, under its key.
        if (
          (await steady.deps.threads.run(threadId, run.id))?.status === "pending" ||
          !(await steady.deps.threads.run(threadId, run.id))
        ) {
          await steady.runner.submit(run, { here: true });
          await steady.runner.kick(threadId);
          await steady.runner.ended(threadId, run.id);
        }
        expect([nth, when, await outcome(threadId, run.id)]).toEqual([nth, when, expected]);
        lives += 1;
      }
    expect(lives).toBeGreaterThan(1);
  });
});
