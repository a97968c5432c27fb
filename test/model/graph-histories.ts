/**
 * Random lives of a graph, once with the checkpointer in question and once with LangGraph's MemorySaver: turns, tool-like
 * edits, interrupts and resumes in a subgraph and outside, forks from any checkpoint, copies and updates of state, new
 * savers with nothing in memory. After each step every checkpoint of both is compared, but for ids and times.
 */
import { AIMessage, type BaseMessage, HumanMessage, RemoveMessage } from "@langchain/core/messages";
import {
  Annotation,
  type BaseCheckpointSaver,
  Command,
  END,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import fc from "fast-check";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  /** What the nodes are to do in this turn. */
  todo: Annotation<Action>,
  notes: Annotation<unknown[]>({ reducer: (kept, added) => kept.concat(added), default: () => [] }),
  document: Annotation<string | null | undefined>,
  bytes: Annotation<Uint8Array>,
  count: Annotation<number>({ reducer: (a, b) => a + b, default: () => 0 }),
});

type Action =
  | { kind: "answer"; length: number }
  | { kind: "document"; length: number }
  | { kind: "bytes"; length: number }
  | { kind: "note"; note: unknown }
  | { kind: "edit" | "remove" | "reverse"; at: number }
  | { kind: "ask" | "ask-inside"; length: number }
  | { kind: "fail" };

export type Step =
  | { do: "turn"; action: Action; back: number; cold: boolean; durability: "sync" | "async" | "exit" }
  | { do: "resume"; answer: string; cold: boolean }
  | { do: "update"; note: unknown; back: number; copy: boolean; cold: boolean };

/** Text that depends on nothing but its place. */
function prose(seed: number, length: number): string {
  let state = (seed * 2654435761) >>> 0;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += `${state.toString(36)} é🐎`;
  }
  return text.slice(0, length);
}

const Inner = Annotation.Root({ count: Annotation<number>, inner: Annotation<string>, notes: Annotation<unknown[]> });

/** Asks a person in its second node, so that it is interrupted with a state of its own. */
const inside = new StateGraph(Inner)
  .addNode("first", ({ count }) => ({ inner: prose(count, 300) }))
  .addNode("second", ({ inner }) => ({
    notes: [`${inner.length} ${interrupt({ question: inner.slice(0, 20) })}`],
    count: 1,
  }))
  .addEdge(START, "first")
  .addEdge("first", "second")
  .addEdge("second", END)
  .compile();

function build(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(State)
    .addNode("work", ({ todo, messages, count }) => {
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
      ({ todo }) => {
        const answer = interrupt({ question: todo.kind });
        return new Command({ update: { notes: [`answered ${answer}`] }, goto: "end" });
      },
      { ends: ["end"] },
    )
    .addNode("inside", inside)
    .addNode("end", () => ({ count: 1 }))
    .addEdge(START, "work")
    .addConditionalEdges(
      "work",
      ({ todo }) => (todo.kind === "ask" ? "ask" : todo.kind === "ask-inside" ? "inside" : "end"),
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

const length = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 800 }) },
  { weight: 2, arbitrary: fc.integer({ min: 3_000, max: 30_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 90_000 }) },
);
const note = fc.oneof(
  fc.constantFrom(null, "", 0, -1.5, true, [], {}, "\u0000", "\ud83d\ude00"),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.record({ deep: fc.array(fc.record({ er: fc.string() }), { maxLength: 3 }) }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("answer" as const), length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("document", "bytes"), length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("note" as const), note }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("edit", "remove", "reverse"), at: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("ask", "ask-inside"), length: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "fail" as const }) },
);
const back = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) });
const cold = fc.integer({ min: 0, max: 3 }).map((n) => n === 0);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("turn" as const),
      action,
      back,
      cold,
      durability: fc.constantFrom("async", "async", "sync", "exit"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("resume" as const), answer: fc.string(), cold }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("update" as const), note, back, copy: fc.boolean(), cold }),
  },
);
export const lives: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 4, maxLength: 14, size: "max" });

/** MemorySaver takes whatever it reads for JSON, so bytes by themselves are wrapped. */
class WrappedBytes extends JsonPlusSerializer {
  override dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    return super.dumpsTyped(value instanceof Uint8Array ? { wrapped: [...value] } : value);
  }

  override async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    const value = await super.loadsTyped(type, data);
    return value !== null && typeof value === "object" && "wrapped" in value
      ? Uint8Array.from(value.wrapped as number[])
      : value;
  }
}

interface Side {
  graph: ReturnType<typeof build>;
  renew(): void;
  /** Of its checkpoints, oldest first. */
  ids: (string | undefined)[];
}

/** What is compared of one checkpoint, oldest first; parents by their place. */
async function historyOf(side: Side): Promise<unknown[]> {
  const states = [];
  for await (const state of side.graph.getStateHistory(thread)) states.push(state);
  states.reverse();
  const ids = states.map(({ config }) => config.configurable?.checkpoint_id as string | undefined);
  side.ids = ids;
  return states.map(({ values, next, tasks, metadata, parentConfig }) => ({
    values: plain(values),
    next,
    tasks: tasks.map(({ name, error, interrupts }) => ({
      name,
      error: error === undefined ? undefined : String((error as Error).message),
      interrupts: interrupts.map(({ value }) => value),
    })),
    source: metadata?.source,
    step: metadata?.step,
    parent: parentConfig ? ids.indexOf(parentConfig.configurable?.checkpoint_id) : undefined,
  }));
}

const thread = { configurable: { thread_id: "life", checkpoint_ns: "" } };

/** Messages as data, the rest as it is. */
const plain = ({ messages = [], ...values }: { messages?: BaseMessage[] } & Record<string, unknown>) => ({
  ...values,
  messages: messages.map((message) => message.toDict()),
});

/**
 * Lives one life twice; `newSaver` gives a saver of the same store that has nothing in memory. Calls `compare` with what
 * both have after each step.
 */
export async function liveTwice(
  steps: Step[],
  newSaver: () => BaseCheckpointSaver,
  compare: (actual: unknown, expected: unknown, at: number) => void,
): Promise<void> {
  const memory = new MemorySaver(new WrappedBytes());
  const sides: [Side, Side] = [newSaver, () => memory].map((make) => {
    const side: Side = {
      graph: build(make()),
      ids: [],
      renew() {
        side.graph = build(make());
      },
    };
    return side;
  }) as [Side, Side];
  let turns = 0;
  for (const [i, one] of steps.entries()) {
    turns += 1;
    const seen = [];
    for (const side of sides) {
      if (one.cold) side.renew();
      seen.push({ outcome: await take(side, one, turns), checkpoints: await historyOf(side) });
    }
    compare(seen[0], seen[1], i);
  }
}

/** Takes the step, and says how it ended. */
async function take(side: Side, one: Step, turn: number): Promise<unknown> {
  const { graph, ids } = side;
  const at = (back: number) => {
    const id = back > 0 ? ids.at(-1 - (back % Math.max(1, ids.length))) : undefined;
    return { configurable: { ...thread.configurable, ...(id && { checkpoint_id: id }) } };
  };
  try {
    if (one.do === "turn") {
      const input = { messages: [new HumanMessage({ id: `h${turn}`, content: prose(turn, 60) })], todo: one.action };
      const values = await graph.invoke(input, { ...at(one.back), durability: one.durability });
      return plain(withoutInterruptIds(values));
    }
    if (one.do === "resume") {
      const values = await graph.invoke(new Command({ resume: one.answer }), thread);
      return plain(withoutInterruptIds(values));
    }
    if (ids.length === 0) return "nothing to update";
    if (one.copy) await graph.updateState(at(one.back), null, "__copy__");
    else await graph.updateState(at(one.back), { notes: [one.note] }, "work");
    return "updated";
  } catch (error) {
    return String((error as Error).message).split("\n")[0];
  }
}

function withoutInterruptIds(values: Record<string, unknown>): Record<string, unknown> {
  const { __interrupt__: interrupts, ...rest } = values as { __interrupt__?: { value: unknown }[] };
  return { ...rest, ...(interrupts && { interrupts: interrupts.map(({ value }) => value) }) };
}
