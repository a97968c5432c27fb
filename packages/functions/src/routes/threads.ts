/** Threads and their runs on the LangGraph server's wire. A thread of somebody else does not exist. */

import { v5, v7 } from "@langchain/core/utils/uuid";
import { TenureError } from "@tenure/core/errors";
import type { Thread } from "@tenure/core/thread";
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { Deps } from "../deps.ts";
import type { Graph } from "../graphs/index.ts";
import type { Identity } from "../identity.ts";
import { readBody } from "../input.ts";
import { limits, takeOrRefuse } from "../limits.ts";
import { type SessionEnv, session } from "../middleware/session.ts";
import type { RunRegistry } from "../runs/registry.ts";
import {
  configurable,
  graphInput,
  type RunRequest,
  refuseUnsupported,
  runRequest,
  streamModes,
} from "../runs/request.ts";
import { emptyState, stateJson, stringify, threadJson } from "../runs/wire.ts";

const uuid = z.guid();
const threadRequest = z.object({
  thread_id: uuid.nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  if_exists: z.enum(["raise", "do_nothing"]).nullish(),
  supersteps: z.array(z.unknown()).nullish(),
});

const HEARTBEAT_MS = 10_000;

export function threadRoutes(deps: Deps, runs: RunRegistry): Hono<SessionEnv<Identity>> {
  const { threads, graphs, windows } = deps;

  async function ownThread(c: Context<SessionEnv<Identity>>): Promise<Thread> {
    const id = c.req.param("id") ?? "";
    const thread = uuid.safeParse(id).success && (await threads.get(id, c.var.session.data.userId));
    if (!thread) throw new TenureError({ tag: "thread-not-found", threadId: id });
    return thread;
  }

  /** The graph that a thread's state belongs to: that of its last run. */
  const graphOf = (thread: Thread): Graph | undefined => graphs.get(String(thread.metadata.graph_id));

  const latestState = (thread: Thread, options?: { subgraphs: boolean }) =>
    graphOf(thread)?.getState({ configurable: { thread_id: thread.id } }, options);

  async function createThread(id: string, owner: string, metadata: Record<string, unknown>): Promise<Thread | false> {
    const created = await threads.create({ id, owner, metadata });
    if (created) return created;
    // Taken: by this user, or by another one, whose thread is as good as absent.
    if (await threads.get(id, owner)) return false;
    throw new TenureError({ tag: "thread-not-found", threadId: id });
  }

  return new Hono<SessionEnv<Identity>>()
    .use(session(deps))

    .post("/", async (c) => {
      const body = await readBody(c, threadRequest);
      if (body.supersteps?.length) throw new TenureError({ tag: "not-implemented", feature: "supersteps" });
      const id = body.thread_id ?? v7();
      const owner = c.var.session.data.userId;
      const created = await createThread(id, owner, body.metadata ?? {});
      if (created) return json(c, threadJson(created, undefined));
      if (body.if_exists !== "do_nothing") throw new TenureError({ tag: "thread-exists", threadId: id });
      const thread = (await threads.get(id, owner)) as Thread;
      return json(c, threadJson(thread, await latestState(thread)));
    })

    .get("/:id", async (c) => {
      const thread = await ownThread(c);
      return json(c, threadJson(thread, await latestState(thread)));
    })

    .get("/:id/state", async (c) => {
      const thread = await ownThread(c);
      const state = await latestState(thread, { subgraphs: c.req.query("subgraphs") === "true" });
      return json(c, state ? stateJson(state) : emptyState);
    })

    .post("/:id/runs/stream", async (c) => {
      const id = c.req.param("id");
      const owner = c.var.session.data.userId;
      const request = await readBody(c, runRequest);
      refuseUnsupported(request);
      const assistant = findAssistant(deps, request.assistant_id);
      if (request.if_not_exists === "create" && uuid.safeParse(id).success) await createThread(id, owner, {});
      const thread = await ownThread(c);
      await takeOrRefuse(c, windows, limits.runsPerUser, owner);

      const runId = v7();
      const { graphId, assistantId, graph } = assistant;
      const lease = await threads.acquireLease(thread.id, owner, runId, {
        graph_id: graphId,
        assistant_id: assistantId,
      });
      if (lease === "not-found") throw new TenureError({ tag: "thread-not-found", threadId: id });
      if (lease === "busy") throw new TenureError({ tag: "thread-busy", threadId: id });

      const own = { thread_id: id, run_id: runId, graph_id: graphId, assistant_id: assistantId, user_id: owner };
      const run = runs.start(graph, lease, {
        runId,
        input: graphInput(request),
        modes: streamModes(request),
        subgraphs: request.stream_subgraphs ?? false,
        options: executionOptions(request, own),
      });

      c.header("Content-Location", `/threads/${id}/runs/${runId}`);
      return streamSSE(c, async (stream) => {
        stream.onAbort(() => {
          if (request.on_disconnect === "cancel") run.cancel();
        });
        for await (const item of run.feed.read(HEARTBEAT_MS)) {
          if (stream.aborted) break;
          if (item)
            await stream.writeSSE({ id: String(item.id), event: item.event.event, data: stringify(item.event.data) });
          else await stream.write(": heartbeat\n\n");
        }
      });
    });
}

function executionOptions(request: RunRequest, own: Record<string, unknown>): Record<string, unknown> {
  const { config, context, metadata, interrupt_before, interrupt_after, durability } = request;
  return {
    configurable: configurable(request, own),
    metadata: { ...metadata, graph_id: own.graph_id, assistant_id: own.assistant_id },
    ...(config?.tags && { tags: config.tags }),
    ...(config?.recursion_limit && { recursionLimit: config.recursion_limit }),
    ...(context && { context }),
    ...(interrupt_before && { interruptBefore: interrupt_before }),
    ...(interrupt_after && { interruptAfter: interrupt_after }),
    ...(durability && { durability }),
  };
}

/** The namespace under which the LangGraph server derives a graph's own assistant id (UUID version 5). */
const ASSISTANT_NAMESPACE = "6ba7b821-9dad-11d1-80b4-00c04fd430c8";

/** Each graph is an assistant, known by the graph's name or by the id derived from it. */
function findAssistant({ graphs }: Deps, asked: string): { graphId: string; assistantId: string; graph: Graph } {
  for (const [graphId, graph] of graphs) {
    const assistantId = v5(graphId, ASSISTANT_NAMESPACE);
    if (asked === graphId || asked === assistantId) return { graphId, assistantId, graph };
  }
  throw new TenureError({ tag: "assistant-not-found", assistantId: asked });
}

function json(c: Context, value: object): Response {
  return c.body(stringify(value), 200, { "Content-Type": "application/json" });
}
