/** JSON as the LangGraph server writes it: threads, states, runs, checkpoints, messages. */

import type { RunnableConfig } from "@langchain/core/runnables";
import type { Damage } from "@tenure/core/damage";
import { describe, isTenureError } from "@tenure/core/errors";
import type { Run, Thread } from "@tenure/core/thread";
import type { Context } from "hono";
import type { Graph } from "../graphs/graph.ts";
import { type ErrorJson, errorJson, stringify } from "../http/json.ts";
import type { AssistantDescription } from "./assistants/description.ts";

export type StateSnapshot = Awaited<ReturnType<Graph["getState"]>>;

export function json(c: Context, value: unknown): Response {
  return c.body(stringify(value), 200, { "Content-Type": "application/json" });
}

interface CheckpointJson {
  thread_id: string;
  checkpoint_id: string | null;
  checkpoint_ns: string;
  checkpoint_map: unknown;
}

export function checkpointJson(config: RunnableConfig | undefined): CheckpointJson | null {
  const { thread_id, checkpoint_id, checkpoint_ns, checkpoint_map } = config?.configurable ?? {};
  if (typeof thread_id !== "string") return null;
  return {
    thread_id,
    checkpoint_id: checkpoint_id ?? null,
    checkpoint_ns: checkpoint_ns ?? "",
    checkpoint_map: checkpoint_map ?? null,
  };
}

export const emptyState = {
  values: {},
  next: [],
  tasks: [],
  metadata: null,
  created_at: null,
  checkpoint: null,
  parent_checkpoint: null,
};

export function stateJson(state: StateSnapshot): Record<string, unknown> {
  const checkpoint = checkpointJson(state.config);
  return {
    values: state.values,
    next: state.next,
    tasks: state.tasks.map((task) => ({
      id: task.id,
      name: task.name,
      error: task.error == null ? null : taskError(task.error),
      interrupts: task.interrupts,
      path: task.path,
      checkpoint: task.state && "configurable" in task.state ? (task.state.configurable ?? null) : null,
      state: task.state && "values" in task.state ? stateJson(task.state) : null,
      result: task.result ?? null,
    })),
    metadata: state.metadata ?? null,
    created_at: state.createdAt ? new Date(state.createdAt).toISOString() : null,
    checkpoint: checkpoint?.checkpoint_id ? checkpoint : null,
    parent_checkpoint: checkpointJson(state.parentConfig),
  };
}

/** Returns what LangGraph keeps of a task's error, as text from which its clients read JSON. */
function taskError(error: unknown): string {
  if (typeof error === "string") return error;
  const { error: name, message } = errorJson(error);
  return JSON.stringify({ message, name });
}

/** The interrupts of all tasks, a field of a state that is shown to those who select it. */
export const interruptsOf = (state: StateSnapshot | undefined): unknown[] =>
  (state?.tasks ?? []).flatMap((task) => task.interrupts);

/** The fields that can be selected. */
export const FIELDS = {
  state: [...Object.keys(emptyState), "interrupts"],
  thread: [
    ...["thread_id", "created_at", "updated_at", "state_updated_at", "metadata", "status", "config", "values"],
    ...["interrupts", "error"],
  ],
  run: [
    ...["run_id", "thread_id", "assistant_id", "created_at", "updated_at", "status", "metadata", "kwargs"],
    ...["multitask_strategy", "error"],
  ],
  assistant: [
    ...["assistant_id", "graph_id", "version", "name", "description", "config", "context", "metadata"],
    ...["created_at", "updated_at", "error"],
  ],
} as const;

/** A checkpoint that cannot be read, in the place of its state. */
export function damagedStateJson(config: RunnableConfig, error: ErrorJson): Record<string, unknown> {
  return { ...emptyState, checkpoint: checkpointJson(config), error };
}

/**
 * `state` is the thread's latest, when it has one. A thread that cannot be read has the status "error", and `error` says what is
 * the matter: that of its record, or `unreadable`, that of its state.
 */
export function threadJson(
  thread: Thread,
  state: StateSnapshot | undefined,
  unreadable: ErrorJson | undefined = damageJson(thread.damage),
): Record<string, unknown> {
  const interrupts = state?.tasks
    .filter((task) => task.interrupts.length > 0)
    .map((task) => [task.id, task.interrupts]);
  return {
    thread_id: thread.id,
    created_at: iso(thread.createdAt),
    updated_at: iso(thread.updatedAt),
    state_updated_at: state?.createdAt ?? null,
    metadata: thread.metadata,
    status: unreadable ? "error" : thread.status,
    config: thread.config,
    values: state?.createdAt ? state.values : null,
    interrupts: Object.fromEntries(interrupts ?? []),
    error: unreadable,
  };
}

export function runJson(run: Run): Record<string, unknown> {
  return {
    run_id: run.id,
    thread_id: run.threadId,
    assistant_id: run.assistantId,
    created_at: iso(run.startAt),
    updated_at: iso(run.updatedAt),
    status: run.damage ? "error" : run.status,
    metadata: run.metadata,
    kwargs: run.request,
    multitask_strategy: run.multitask,
    ...errorMember(run.damage),
  };
}

export function assistantJson(assistant: AssistantDescription): Record<string, unknown> {
  return {
    assistant_id: assistant.id,
    graph_id: assistant.graphId,
    version: assistant.version,
    name: assistant.name,
    description: assistant.description,
    config: assistant.config,
    context: assistant.context,
    metadata: assistant.metadata,
    created_at: iso(assistant.createdAt),
    updated_at: iso(assistant.updatedAt),
    ...errorMember(assistant.damage),
  };
}

const iso = (instant: number): string => new Date(instant).toISOString();

const damageJson = (damage: Damage | undefined): ErrorJson | undefined =>
  damage && { error: "record-damaged", message: describe({ tag: "record-damaged", ...damage }) };
const errorMember = (damage: Damage | undefined) => (damage ? { error: damageJson(damage) } : {});

/** A state that cannot be read, as a list shows it. */
export function damageOf(error: unknown): ErrorJson {
  if (isTenureError(error)) return { error: "record-damaged", message: error.message };
  return { error: "record-damaged", message: `Its graph cannot read it: ${errorJson(error).message}` };
}
