/**
 * The graph whose lives are lived: turns that answer, edit, fail and ask, in a subgraph and outside, and values of every kind.
 * The graph tells of each node that begins.
 */
import { AIMessage, type BaseMessage, HumanMessage, RemoveMessage, ToolMessage } from "@langchain/core/messages";
import {
  Annotation,
  type BaseCheckpointSaver,
  Command,
  END,
  interrupt,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";

/** The number of channels that makes heads long enough to be differences to one before. */
const FIELDS = Array.from({ length: 40 }, (_, n) => `field ${n}`);

const State = Annotation.Root({
  ...Object.fromEntries(FIELDS.map((name) => [name, Annotation<string>])),
  ...MessagesAnnotation.spec,
  /** The tasks of the nodes in this turn. */
  todo: Annotation<Action>,
  notes: Annotation<unknown[]>({ reducer: (kept, added) => kept.concat(added), default: () => [] }),
  document: Annotation<string | null | undefined>,
  bytes: Annotation<Uint8Array>,
  count: Annotation<number>({ reducer: (a, b) => a + b, default: () => 0 }),
});

export type Action =
  | { kind: "answer"; length: number }
  | { kind: "document"; length: number }
  | { kind: "bytes"; length: number }
  | { kind: "note"; note: unknown }
  /** Sets all fields, or one. */
  | { kind: "fields" }
  | { kind: "field"; at: number }
  | { kind: "edit" | "remove" | "reverse"; at: number }
  | { kind: "odd"; name: OddName }
  | { kind: "ask" | "ask-twice" | "ask-inside"; length: number }
  | { kind: "fail" };

/** Text that depends on nothing but its place. */
export function prose(seed: number, length: number): string {
  let state = (seed * 2654435761) >>> 0;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += `${state.toString(36)} é🐎`;
  }
  return text.slice(0, length);
}

const Inner = Annotation.Root({ count: Annotation<number>, inner: Annotation<string>, notes: Annotation<unknown[]> });

const tool = (n: number, artifact: unknown): BaseMessage =>
  new ToolMessage({ id: `t${n}`, content: "done", tool_call_id: "c", artifact });

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { in: value };
  return value;
}

/** A single function, so that two graphs return equal values of it. */
const one = () => 1;

/** Values that come back changed, and, from `bigint` on, values that no checkpoint takes. */
export const ODD = {
  undefined: () => ({ a: undefined, b: [undefined, Number.NaN, -0] }),
  date: () => new Date(0),
  collections: () => new Map([["a", new Set([1])]]),
  bytes: () => [Uint8Array.of(1, 2), Buffer.from("b")],
  function: () => ({ f: one, list: [one] }),
  circle() {
    const at = {};
    return Object.assign(at, { at });
  },
  deep: () => nested(43),
  record: () => ({ lc: 1, user: "data" }),
  message: () => [new HumanMessage({ id: "inner", content: "of a subagent" })],
  bigint: () => ({ wei: 1n }),
  throwing: () => ({
    toJSON() {
      throw new Error("no JSON of me");
    },
  }),
  deeper: () => new HumanMessage({ id: "deep", content: "", additional_kwargs: { raw: nested(60) } }),
} satisfies Record<string, () => unknown>;
export type OddName = keyof typeof ODD;

/** Asks a person in its second node, so that it is interrupted with a state of its own. */
const insideOf = (onNode: () => Promise<void>) =>
  new StateGraph(Inner)
    .addNode("first", async ({ count }) => {
      await onNode();
      return { inner: prose(count, 300) };
    })
    .addNode("second", async ({ inner }) => {
      await onNode();
      return { notes: [`${inner.length} ${interrupt({ question: inner.slice(0, 20) })}`], count: 1 };
    })
    .addEdge(START, "first")
    .addEdge("first", "second")
    .addEdge("second", END)
    .compile();

export function build(checkpointer: BaseCheckpointSaver, onNode: () => Promise<void>) {
  const inside = insideOf(onNode);
  return new StateGraph(State)
    .addNode("work", async ({ todo, messages, count }) => {
      await onNode();
      const n = messages.length + count;
      switch (todo.kind) {
        case "answer":
          return { messages: [new AIMessage({ id: `a${n}`, content: prose(n, todo.length) })], count: 1 };
        case "document":
          return { document: todo.length % 7 === 0 ? undefined : prose(n, todo.length), count: 1 };
        case "bytes":
          return { bytes: Uint8Array.from(Buffer.from(prose(n, todo.length))), count: 1 };
        case "note":
          return { notes: [todo.note], count: 1 };
        case "fields":
          return { ...Object.fromEntries(FIELDS.map((name, at) => [name, prose(n + at, 20)])), count: 1 };
        case "field":
          return { [FIELDS[todo.at % FIELDS.length] as string]: prose(n, 20), count: 1 };
        case "odd":
          return { messages: [tool(n, ODD[todo.name]())], notes: [ODD[todo.name]()], count: 1 };
        case "edit":
          return {
            messages: edit(messages, todo.at, (id) => new HumanMessage({ id, content: prose(n, 200) })),
            count: 1,
          };
        case "remove":
          return { messages: edit(messages, todo.at, (id) => new RemoveMessage({ id })), count: 1 };
        case "reverse":
          return {
            messages: [new RemoveMessage({ id: "__remove_all__" }), ...messages.toReversed()],
            notes: [null],
          };
        case "fail":
          throw new Error("a node fails");
        default:
          return { count: 1 };
      }
    })
    .addNode(
      "ask",
      async ({ todo }) => {
        await onNode();
        const answers = [interrupt({ question: todo.kind })];
        if (todo.kind === "ask-twice") answers.push(interrupt({ question: `after ${answers[0]}` }));
        return new Command({ update: { notes: [`answered ${answers}`] }, goto: "end" });
      },
      { ends: ["end"] },
    )
    .addNode("inside", inside)
    .addNode("end", async () => {
      await onNode();
      return { count: 1 };
    })
    .addEdge(START, "work")
    .addConditionalEdges(
      "work",
      ({ todo }) =>
        todo.kind === "ask" || todo.kind === "ask-twice" ? "ask" : todo.kind === "ask-inside" ? "inside" : "end",
      ["ask", "inside", "end"],
    )
    .addEdge("inside", "end")
    .addEdge("end", END)
    .compile({ checkpointer });
}

function edit(messages: BaseMessage[], at: number, make: (id: string) => BaseMessage): BaseMessage[] {
  const id = messages[at % Math.max(1, messages.length)]?.id;
  return id === undefined ? [] : [make(id)];
}
