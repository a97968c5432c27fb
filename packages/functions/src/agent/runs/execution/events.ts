/**
 * A graph's execution as the events that the LangGraph server streams. The mapping is that of
 * `@langchain/langgraph-api` 1.5: `messages-tuple` arrives as `messages`, `messages` as `messages/metadata`,
 * `messages/partial` and `messages/complete`, and a subgraph's events carry its namespace behind a bar.
 */
import { type AIMessageChunk, isBaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StreamEvent } from "@langchain/core/tracers/log_stream";
import { type BaseStore, INTERRUPT } from "@langchain/langgraph";
import type { Graph } from "../../../graphs/graph.ts";
import { checkpointJson } from "../../wire.ts";
import type { StreamMode } from "../request.ts";

export interface RunEvent {
  event: string;
  data: unknown;
}

export interface GraphRun {
  runId: string;
  input: unknown;
  /** LangGraph's long-term memory, as its nodes see it. */
  store: BaseStore;
  modes: StreamMode[];
  subgraphs: boolean;
  /** Everything else that LangGraph's `streamEvents` takes. */
  options: Record<string, unknown>;
}

/** Returns whether the graph was interrupted; undefined when what was asked for does not tell. */
export async function* execute(
  graph: Graph,
  { runId, input, store, modes, subgraphs, options }: GraphRun,
): AsyncGenerator<RunEvent, boolean | undefined> {
  const asked = new Set<string>(modes);
  const messages = new MessageEvents();
  const streamMode = libraryModes(asked);
  let isInterrupted = streamMode.some((mode) => mode === "values" || mode === "updates") ? false : undefined;
  const all = { ...options, store, runId, subgraphs, streamMode };
  const stream = asked.has("events") || asked.has("messages") ? streamEvents : streamChunks;
  for await (const one of stream(graph, input, all)) {
    if ("chunk" in one) {
      const [namespace, mode, payload] = one.chunk;
      if (isInterrupted === false && tellsInterrupt(mode, payload)) isInterrupted = true;
      const name = (base: string) => (namespace.length ? `${base}|${namespace.join("|")}` : base);
      if (mode === "messages") {
        if (asked.has("messages-tuple")) yield { event: name("messages"), data: payload };
      } else if (asked.has(mode) && !isEnvelope(mode, payload)) {
        yield { event: name(mode), data: present(mode, payload) };
      }
      if (mode === "values" && asked.has("messages")) yield* messages.completed(payload);
    } else {
      const { event } = one;
      if (asked.has("events")) yield { event: "events", data: event };
      if (asked.has("messages") && event.event === "on_chat_model_stream" && !event.tags?.includes("nostream"))
        yield* messages.partial(event.data.chunk as AIMessageChunk, event.metadata);
    }
  }
  return isInterrupted;
}

/** LangGraph tells an interrupt in place of values and of an update, of subgraphs too. */
const tellsInterrupt = (mode: string, payload: unknown): boolean =>
  (mode === "values" || mode === "updates") && typeof payload === "object" && payload !== null && INTERRUPT in payload;

type Chunk = [namespace: string[], mode: string, payload: unknown];

interface Streaming {
  runId: string;
  subgraphs: boolean;
  streamMode: string[];
}

/** Yields what the graph streams in the modes asked for. */
async function* streamChunks(graph: Graph, input: unknown, options: Streaming): AsyncGenerator<{ chunk: Chunk }> {
  const stream = graph.stream.bind(graph) as (input: unknown, options: object) => Promise<AsyncIterable<unknown[]>>;
  for await (const chunk of await stream(input, options)) yield { chunk: whole(chunk, options) };
}

/** The same among LangChain's own events, which cost about half as much again. */
async function* streamEvents(
  graph: Graph,
  input: unknown,
  options: Streaming,
): AsyncGenerator<{ chunk: Chunk } | { event: StreamEvent }> {
  const stream = graph.streamEvents.bind(graph) as (input: unknown, options: object) => AsyncIterable<StreamEvent>;
  for await (const event of stream(input, { ...options, version: "v2" })) {
    if (event.tags?.includes("langsmith:hidden")) continue;
    const isOwn = event.event === "on_chain_stream" && (options.subgraphs || event.run_id === options.runId);
    yield isOwn ? { chunk: whole(event.data.chunk, options) } : { event };
  }
}

const whole = (chunk: unknown[], { subgraphs }: Streaming) => (subgraphs ? chunk : [[], ...chunk]) as Chunk;

function libraryModes(asked: Set<string>): string[] {
  const modes = new Set([...asked].filter((mode) => !["events", "messages", "messages-tuple"].includes(mode)));
  if (asked.has("messages-tuple")) modes.add("messages");
  if (asked.has("messages")) modes.add("values");
  return [...modes];
}

/** LangGraph announces a checkpoint by its ids before the values; only whole checkpoints are on this wire. */
function isEnvelope(mode: string, payload: unknown): boolean {
  return mode === "checkpoints" && typeof payload === "object" && payload !== null && !("values" in payload);
}

/** Checkpoints and tasks name their checkpoint the way the rest of the wire does, and show no inner config. */
function present(mode: string, payload: unknown): unknown {
  if (mode === "checkpoints") {
    const { values, metadata, next, tasks, config, parentConfig } = payload as DebugCheckpoint;
    return { values, metadata, next, tasks: tasks?.map(presentTask), ...configs(config, parentConfig) };
  }
  if (mode === "tasks") return presentTask(payload as Record<string, unknown>);
  if (mode === "debug") return presentDebug(payload as { type: string; payload: unknown });
  return payload;
}

interface DebugCheckpoint {
  values: unknown;
  metadata: unknown;
  next: string[];
  tasks?: Record<string, unknown>[] | undefined;
  config?: RunnableConfig | undefined;
  parentConfig?: RunnableConfig | undefined;
}

function presentDebug(event: { type: string; payload: unknown }): object {
  if (event.type === "checkpoint") return { ...event, payload: present("checkpoints", event.payload) };
  return { ...event, payload: presentTask(event.payload as Record<string, unknown>) };
}

function presentTask({ state, ...task }: Record<string, unknown>): Record<string, unknown> {
  const config = state as RunnableConfig | undefined;
  if (!config?.configurable) return state === undefined ? task : { ...task, state };
  return { ...task, checkpoint: checkpointJson(config) };
}

function configs(config: RunnableConfig | undefined, parent: RunnableConfig | undefined): object {
  const shown = (from: RunnableConfig | undefined) => from && { configurable: checkpointJson(from) };
  return {
    config: shown(config),
    parent_config: shown(parent),
    checkpoint: checkpointJson(config),
    parent_checkpoint: checkpointJson(parent),
  };
}

/** The accumulating form of message streaming: each part repeats what came before it. */
class MessageEvents {
  private readonly growing = new Map<string, AIMessageChunk>();
  private readonly complete = new Set<string>();

  *partial(chunk: AIMessageChunk, metadata: unknown): Generator<RunEvent> {
    if (!chunk.id) return;
    const before = this.growing.get(chunk.id);
    if (!before) yield { event: "messages/metadata", data: { [chunk.id]: { metadata } } };
    const grown = before ? (before.concat(chunk) as AIMessageChunk) : chunk;
    this.growing.set(chunk.id, grown);
    yield { event: "messages/partial", data: [grown] };
  }

  *completed(payload: unknown): Generator<RunEvent> {
    if (typeof payload !== "object" || payload === null || isBaseMessage(payload) || !("messages" in payload)) return;
    const fresh = [payload.messages].flat().filter((message): message is AIMessageChunk => {
      const id = isBaseMessage(message) ? message.id : undefined;
      return id !== undefined && !this.complete.has(id);
    });
    for (const { id } of fresh) this.complete.add(id as string);
    if (fresh.length > 0) yield { event: "messages/complete", data: fresh };
  }
}
