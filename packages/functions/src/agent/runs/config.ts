/** The configuration of a run: the assistant's, the request's, and what only the server sets; and what its thread keeps of it. */
import { incarnationConfig } from "@tenure/core/checkpoint";
import type { Lease, Run, Thread } from "@tenure/core/thread";
import type { AssistantDescription } from "../assistants/description.ts";
import { forkOf } from "./fork.ts";
import { type RunRequest, runConfig } from "./request.ts";

type Fields = Record<string, unknown>;

/**
 * Keys that begin with two underscores are LangGraph's own and would let a client replace its inner workings; `ttl_ms` is the saver's, and
 * would take a thread's state away before the thread.
 */
const own = (fields: unknown): Fields =>
  Object.fromEntries(
    Object.entries((fields as Fields | null | undefined) ?? {}).filter(
      ([key]) => !key.startsWith("__") && key !== "ttl_ms",
    ),
  );

/** Configurable keys of one request, which its thread does not keep. */
const PASSING = /^(checkpoint_id|checkpoint_ns|checkpoint_map|thread_id|run_id|graph_id|assistant_id|langgraph_.*)$/;

export function threadConfig(request: RunRequest, assistant: AssistantDescription, thread: Thread | undefined): Fields {
  const configurable = Object.entries({
    ...own(assistant.config.configurable),
    ...own(thread?.config.configurable),
    ...own(request.config?.configurable),
  }).filter(([key]) => !PASSING.test(key));
  return { configurable: Object.fromEntries(configurable) };
}

/** The options of LangGraph's `streamEvents` for a run. */
export function executionOptions(
  run: Run,
  request: RunRequest,
  assistant: AssistantDescription,
  incarnation: Lease["incarnation"],
): Fields & { configurable: Fields } {
  const { config, context, interrupt_before, interrupt_after, checkpoint, checkpoint_during } = request;
  const durability =
    request.durability ?? (checkpoint_during == null ? undefined : checkpoint_during ? "async" : "exit");
  const from = forkOf(request);
  const configurable = {
    user_id: run.owner,
    ...own(assistant.config.configurable),
    ...own(config?.configurable),
    ...(from !== undefined && { checkpoint_id: from }),
    ...(checkpoint?.checkpoint_ns != null && { checkpoint_ns: checkpoint.checkpoint_ns }),
    ...(checkpoint?.checkpoint_map != null && { checkpoint_map: checkpoint.checkpoint_map }),
    ...identityOf(run.owner),
    ...incarnationConfig(incarnation),
    thread_id: run.threadId,
    run_id: run.id,
    graph_id: run.graphId,
    assistant_id: run.assistantId,
  };
  // An assistant that is on record from before may say anything.
  const defaults = runConfig.safeParse(assistant.config).data;
  const recursionLimit = config?.recursion_limit ?? defaults?.recursion_limit;
  const tags = config?.tags ?? defaults?.tags;
  return {
    configurable,
    metadata: {
      ...assistant.metadata,
      ...own(config?.metadata),
      ...run.metadata,
      ...{ graph_id: run.graphId, assistant_id: run.assistantId, run_id: run.id, thread_id: run.threadId },
    },
    context: { ...assistant.context, ...context },
    ...(tags && { tags }),
    ...(recursionLimit != null && { recursionLimit }),
    ...(interrupt_before && { interruptBefore: interrupt_before }),
    ...(interrupt_after && { interruptAfter: interrupt_after }),
    ...(durability && { durability }),
  };
}

/** Returns the keys that name the logged-in user, as LangGraph's own server has them. A client cannot set these. */
export const identityOf = (userId: string): Fields => ({
  langgraph_auth_user_id: userId,
  langgraph_auth_user: { identity: userId },
});
