/** Graphs whose state does not only grow at its end. */
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  type BaseCheckpointSaver,
  END,
  MessagesAnnotation,
  messagesStateReducer,
  START,
  StateGraph,
} from "@langchain/langgraph";
import type { Graph } from "./growth.ts";
import { ask, message } from "./workload.ts";

export interface Shape {
  name: string;
  graph: (checkpointer: BaseCheckpointSaver) => Graph;
  ask: (turn: number) => unknown;
}

const WINDOW = 20;
const DOCUMENT_BYTES = 100 * 1024;

const WindowedMessages = Annotation.Root({
  messages: Annotation<BaseMessage[]>({
    reducer: (left, right) => messagesStateReducer(left, right).slice(-WINDOW),
    default: () => [],
  }),
});

/** The last 20 messages are kept. */
const windowed = (checkpointer: BaseCheckpointSaver) => {
  let answers = 0;
  return new StateGraph(WindowedMessages)
    .addNode("retrieve", () => ({}))
    .addNode("answer", () => ({ messages: [new AIMessage(message(++answers))] }))
    .addEdge(START, "retrieve")
    .addEdge("retrieve", "answer")
    .addEdge("answer", END)
    .compile({ checkpointer });
};

const Documented = Annotation.Root({ ...MessagesAnnotation.spec, document: Annotation<string> });

/** A document of 100 KB, set at the first turn. */
const documented = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(Documented)
    .addNode("retrieve", () => ({}))
    .addNode("answer", ({ messages }) => ({ messages: [new AIMessage(message(messages.length))] }))
    .addEdge(START, "retrieve")
    .addEdge("retrieve", "answer")
    .addEdge("answer", END)
    .compile({ checkpointer });

function document(): string {
  let text = "";
  for (let seed = 2_000_000; text.length < DOCUMENT_BYTES; seed++) text += `${message(seed)}\n`;
  return text.slice(0, DOCUMENT_BYTES);
}

/** The answer comes with another text for the message in the middle. */
const edited = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(MessagesAnnotation)
    .addNode("retrieve", () => ({}))
    .addNode("answer", ({ messages }) => {
      const id = messages[Math.floor(messages.length / 2)]?.id;
      const edit = new HumanMessage({ content: message(3_000_000 + messages.length), ...(id !== undefined && { id }) });
      return { messages: [edit, new AIMessage(message(messages.length))] };
    })
    .addEdge(START, "retrieve")
    .addEdge("retrieve", "answer")
    .addEdge("answer", END)
    .compile({ checkpointer });

export const SHAPES: Shape[] = [
  { name: "the last 20 messages are kept", graph: windowed, ask },
  {
    name: "a document of 100 KB beside the messages",
    graph: documented,
    ask: (turn) => (turn === 1 ? { ...ask(turn), document: document() } : ask(turn)),
  },
  { name: "a message in the middle is edited each turn", graph: edited, ask },
];
