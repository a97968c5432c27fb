/**
 * How a run goes on that another process has begun. A checkpoint that the run has put used its input; a write that it left on the
 * checkpoint where it began used its answer; a breakpoint is one that the dead process stopped at if its checkpoint says so.
 * The rest is the input that was not used, nothing (`null`: from the last checkpoint on), or only to say that it is over.
 */
import type { RunnableConfig } from "@langchain/core/runnables";
import { Command, INTERRUPT } from "@langchain/langgraph";
import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { type DynamoDBSaver, withoutAnswer } from "@tenure/core/checkpoint";
import type { Run } from "@tenure/core/thread";
import type { Graph } from "../../../graphs/graph.ts";
import type { StateSnapshot } from "../../wire.ts";
import { graphInput, type RunRequest } from "../request.ts";

/** LangGraph's names, which it does not export. */
const RESUME = "__resume__";
const MARKS = new Set([RESUME, INTERRUPT, "__error__", "__error_source_node__", "__scheduled__"]);
/** Tells a graph to go on from an addressed checkpoint, rather than to replay it. */
const RESUMING = "__pregel_resuming";

interface Taken {
  run: Run;
  request: RunRequest;
  /** The configuration that the run was asked with. */
  configurable: Record<string, unknown>;
}

/** The input of a graph, and additions to its configuration. */
export interface Start {
  input: unknown;
  configurable: Record<string, unknown>;
}

/** With `over`, nothing is left but to say how it ended: these are its values. */
export async function takeover(
  saver: DynamoDBSaver,
  graph: Graph,
  { run, request, configurable }: Taken,
): Promise<Start | { over: unknown }> {
  const { checkpoint, base, writes } = await saver.progressOf({ configurable }, run.id);
  const begins = { input: graphInput(request), configurable: {} };
  if (checkpoint) {
    // No longer at the checkpoint that it forked.
    const latest = { checkpoint_id: undefined, checkpoint_ns: undefined, checkpoint_map: undefined };
    const config = { configurable: { ...configurable, ...latest } };
    const state = await graph.getState(config, { subgraphs: true });
    const isOver = state.tasks.length === 0 || (await waits(saver, graph, { state, tuple: checkpoint, run, request }));
    return isOver ? { over: state.values } : { input: null, configurable: latest };
  }
  const resume = request.command?.resume;
  if (!base || resume == null) return begins;
  const { tasks, values } = await graph.getState({ configurable });
  const wrote = (taskId: string, mark: string) => writes.some(([task, channel]) => task === taskId && channel === mark);
  // LangGraph leaves an answer with no task, until one has got it.
  const answered = tasks.filter(({ id }) => wrote(id, RESUME));
  if (answered.length === 0) return begins;
  const kept = base.pendingWrites ?? [];
  const asks = tasks.filter(({ id }) => wrote(id, INTERRUPT));
  if (asks.length > 0 && tasks.every((task) => asks.includes(task) || isFinished(task.id, kept)))
    return { over: values };
  const rest = unused(resume, tasks, (id) => wrote(id, RESUME) || wrote(id, INTERRUPT));
  const goesOn = { ...(configurable.checkpoint_id !== undefined && { [RESUMING]: true }) };
  return {
    input: rest ? new Command({ resume: rest }) : null,
    configurable: { ...goesOn, ...withoutAnswer(base.checkpoint.id) },
  };
}

/** The answers, by question, that no task has got. A single answer counts as used once a task has got it. */
function unused(
  resume: unknown,
  tasks: StateSnapshot["tasks"],
  isUsed: (taskId: string) => boolean,
): Record<string, unknown> | undefined {
  if (typeof resume !== "object" || resume === null) return undefined;
  const open = tasks.filter(({ id }) => !isUsed(id)).flatMap(({ interrupts }) => interrupts.map(({ id }) => id));
  const rest = Object.entries(resume).filter(([id]) => open.includes(id));
  return rest.length > 0 ? Object.fromEntries(rest) : undefined;
}

/** True when a task's writes are kept, also where the checkpoint that has them is not. */
const isFinished = (taskId: string, writes: readonly CheckpointPendingWrite[]): boolean =>
  writes.some(([task, channel]) => task === taskId && !MARKS.has(channel));

interface Standing {
  state: StateSnapshot;
  /** The checkpoint that the state is of. */
  tuple: CheckpointTuple;
  run: Run;
  request: RunRequest;
}

/** True when a graph waits for somebody: at a breakpoint, or for the answers to all that its tasks have left to do. */
async function waits(saver: DynamoDBSaver, graph: Graph, { state, tuple, run, request }: Standing): Promise<boolean> {
  if (await isAtBreakpoint(graph, { state, tuple, run, request })) return true;
  const writes = tuple.pendingWrites ?? [];
  let isAsking = false;
  for (const task of state.tasks) {
    if (task.interrupts.length > 0 || (await waitsWithin(saver, graph, task, run))) isAsking = true;
    else if (!isFinished(task.id, writes)) return false;
  }
  return isAsking;
}

/** A graph within a task, which stops before its task says so. */
async function waitsWithin(
  saver: DynamoDBSaver,
  graph: Graph,
  task: StateSnapshot["tasks"][number],
  run: Run,
): Promise<boolean> {
  const state = task.state as StateSnapshot | RunnableConfig | undefined;
  if (!state || !("values" in state)) return false;
  const tuple = await saver.getTuple(state.config);
  if (tuple?.metadata === undefined || (tuple.metadata as { run_id?: string | undefined }).run_id !== run.id)
    return false;
  for await (const [, inner] of graph.getSubgraphsAsync(task.name))
    if (await waits(saver, inner as Graph, { state, tuple, run, request: {} as RunRequest })) return true;
  return false;
}

/**
 * True when the process that put a checkpoint stopped there, by the rule that LangGraph has (`shouldInterrupt`): something was
 * written since the last stop, and a task that comes next, or came last, is among the nodes to stop at.
 */
async function isAtBreakpoint(graph: Graph, { state, tuple, request }: Standing): Promise<boolean> {
  const before = request.interrupt_before ?? graph.interruptBefore ?? [];
  const after = request.interrupt_after ?? graph.interruptAfter ?? [];
  if (before.length === 0 && after.length === 0) return false;
  const { channel_versions, versions_seen } = tuple.checkpoint;
  const seen = versions_seen[INTERRUPT] ?? {};
  const isNews = Object.entries(channel_versions).some(([channel, version]) => {
    const known = seen[channel];
    return known === undefined || version > known;
  });
  if (!isNews) return false;
  const isHidden = (name: string) => graph.nodes[name]?.tags?.includes("langsmith:hidden") ?? false;
  const stopsAt = (nodes: "*" | readonly string[], tasks: readonly { name: string }[]) =>
    tasks.some(({ name }) => (nodes === "*" ? !isHidden(name) : nodes.includes(name)));
  // Where all tasks are done, LangGraph stops at those after them.
  const isDone = state.tasks.every(({ id }) => isFinished(id, tuple.pendingWrites ?? []));
  if (!isDone && stopsAt(before, state.tasks)) return true;
  if (after.length === 0 || tuple.metadata?.source !== "loop") return false;
  return stopsAt(after, await lastTasks(graph, state, tuple));
}

/**
 * The tasks of the superstep that a checkpoint ends. A run that stores at its end only puts no checkpoint before that superstep: then
 * they are the nodes that have seen the newest versions.
 */
async function lastTasks(
  graph: Graph,
  { config }: StateSnapshot,
  { checkpoint, metadata, parentConfig }: CheckpointTuple,
): Promise<{ name: string }[]> {
  if (parentConfig) {
    const before = { configurable: { ...config.configurable, ...parentConfig.configurable } };
    const parent = await graph.getState(before);
    if (parent.metadata?.step === (metadata?.step ?? 0) - 1) return parent.tasks;
  }
  const seen = Object.entries(checkpoint.versions_seen)
    .filter(([name]) => name !== INTERRUPT)
    .map(([name, versions]) => ({ name, newest: newestOf(Object.values(versions)) }));
  const newest = newestOf(seen.map((one) => one.newest));
  return seen.filter((one) => one.newest === newest);
}

/** Versions of one checkpoint are all numbers, or all texts; 0 where there is none. */
const newestOf = (versions: (number | string)[]): number | string =>
  versions.reduce((newest, one) => (newest === 0 || one > newest ? one : newest), 0 as number | string);
