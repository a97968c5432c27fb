/** Begins the runs that requests ask for. */

import { v5, v7 } from "@langchain/core/utils/uuid";
import { TenureError } from "@tenure/core/errors";
import type { NewRun, Run, Thread } from "@tenure/core/thread";
import type { Context } from "hono";
import type { Identity } from "../../http/identity.ts";
import { limits, takeOrRefuse } from "../../http/limits.ts";
import { uuid } from "../../http/schemas.ts";
import type { SessionEnv } from "../../http/session/session.ts";
import { assistantOf } from "../assistants/assistants.ts";
import { keepForUser, takeBack } from "../deletion.ts";
import type { AgentDeps } from "../deps.ts";
import type { ThreadAccess } from "../threads/access.ts";
import { deleteOver, lifetimeOf } from "../threads/lifetime.ts";
import { threadConfig } from "./config.ts";
import { forkOf, refuseAbsent } from "./fork.ts";
import { checkpointIn, type RunRequest, refuseUnsupported } from "./request.ts";
import type { Runner } from "./schedule/runner.ts";

/** A request of somebody who is logged in, whatever else its route has found out. */
export type Asked = Pick<Context, "req" | "header"> & { var: Pick<SessionEnv<Identity>["Variables"], "session"> };

interface BeginOptions {
  /** True when the request waits for the run. */
  watched?: boolean;
  /** Which run of a request for several it is, from 0. */
  item?: number;
}

/** Run ids that are made of a client's Idempotency-Key are in this namespace (UUID version 5). */
const IDEMPOTENT = "5b6f9b5e-5d0c-5a3e-9c1b-2f6f6a1e7d11";

/** Events that are read at once of a run that has ended. */
const PAGE = 200;

/** A run that went with its thread, as its events tell of it for as long as they are kept; undefined when it has not ended. */
async function endedBefore({ events }: AgentDeps, run: NewRun): Promise<Run | undefined> {
  let last = -1;
  let status: Run["status"] = "success";
  for (;;) {
    const page = await events.read(run.id, last, PAGE);
    if (page?.events.some(({ event }) => event === "error")) status = "error";
    last = page?.events.at(-1)?.id ?? last;
    if (page?.ended && page.events.length < PAGE)
      return { ...run, status, updatedAt: run.createdAt, attempt: 1, yields: 0, lastEvent: last };
    if (!page || page.events.length === 0) return undefined;
  }
}

/** Begins a run on a thread, or without one; throws `thread-busy`, `thread-not-found`, `assistant-not-found`, `checkpoint-not-found`. */
export function beginner(deps: AgentDeps, runner: Runner, access: ThreadAccess) {
  const { threads, windows, events } = deps;
  return async (c: Asked, request: RunRequest, threadId?: string, options: BeginOptions = {}): Promise<Run> => {
    const { watched = false, item } = options;
    refuseUnsupported(request, { onThread: threadId !== undefined });
    if (threadId !== undefined) checkpointIn(threadId, request.checkpoint);
    const owner = c.var.session.data.userId;
    const assistant = await assistantOf(deps, request.assistant_id, owner);
    await takeOrRefuse(c, windows, limits.runsPerUser, owner);
    if (threadId !== undefined) await threadFor(c, request, threadId);
    const given = c.req.header("Idempotency-Key");
    const key = given && item !== undefined ? `${given}\n${item}` : given;
    // An id of version 5 is one that may have been executed before: see Execution.
    const id = key ? v5(`${owner} ${threadId ?? ""} ${key}`, IDEMPOTENT) : v7();
    const now = deps.clock.now();
    const kept = request.on_completion === "keep" || request.on_completion === "continue";
    const { graphId } = assistant;
    // A client knows a run without a thread by the run alone.
    const thread = threadId ?? id;
    // A request that is repeated under its key is answered as before, whatever has become of the checkpoint.
    const fork = forkOf(request);
    if (fork !== undefined && !(key && (await threads.run(thread, id))))
      await refuseFork(fork, request, owner, threadId);
    // A run that goes with its thread leaves no record by which a request would be known again.
    if (key && threadId === undefined && (await events.isRemoved(id)))
      throw new TenureError({ tag: "run-not-found", runId: id });
    const temporary = threadId === undefined && !kept;
    const run: NewRun = {
      id,
      threadId: thread,
      owner,
      assistantId: assistant.id,
      graphId,
      request: { ...request, on_completion: temporary ? "delete" : "keep" },
      metadata: request.metadata ?? {},
      multitask: request.multitask_strategy ?? "reject",
      createdAt: now,
      startAt: now + (request.after_seconds ?? 0) * 1000,
    };
    const before = key && temporary && (await endedBefore(deps, run));
    if (before) return before;
    const change = (found: Thread | undefined) => ({
      metadata: { graph_id: graphId, assistant_id: assistant.id },
      config: threadConfig(request, assistant, found),
      ...lifetimeOf(request.ttl),
    });
    const confirm = (release: () => Promise<void>) =>
      keepForUser(deps, c.var.session.data, async () => {
        await release();
        await takeBack(deps, runner, { id: thread, owner });
      });
    const admitted =
      threadId === undefined
        ? await runner.submitNew(run, {
            temporary,
            ...(!temporary && deps.threadLifetime),
            ...change(undefined),
            here: watched,
            confirm,
          })
        : await runner.submit(run, { change, here: watched });
    if (admitted === "busy") throw new TenureError({ tag: "thread-busy", threadId: thread });
    if (admitted === "not-found") throw new TenureError({ tag: "thread-not-found", threadId: thread });
    if (typeof admitted === "object") return admitted;
    // The run of a request that is repeated may be under way here.
    if (!runner.live(id)) await (watched ? runner.kick(thread, owner) : runner.handOver(thread, owner));
    const begun = runner.live(id)?.run ?? (await threads.run(thread, id));
    if (!begun) throw new TenureError({ tag: "run-not-found", runId: id });
    return begun;
  };

  /** Throws `checkpoint-not-found`. A checkpoint that goes before the run begins is an error of the run: see Execution. */
  async function refuseFork(
    checkpointId: string,
    request: RunRequest,
    owner: string,
    threadId?: string,
  ): Promise<void> {
    if (threadId === undefined) throw new TenureError({ tag: "checkpoint-not-found", checkpointId });
    const { checkpoint_ns } = request.checkpoint ?? {};
    const at = { checkpoint_id: checkpointId, ...(checkpoint_ns && { checkpoint_ns }) };
    await refuseAbsent(deps.checkpointer, access.configOf(await access.own(threadId, owner), at));
  }

  /** Makes the thread of a run, as the request wants it where there is none. */
  async function threadFor(c: Asked, { if_not_exists, ttl }: RunRequest, threadId: string): Promise<void> {
    if (!uuid.safeParse(threadId).success) throw new TenureError({ tag: "thread-not-found", threadId });
    if (if_not_exists !== "create") return;
    const thread = { id: threadId, owner: c.var.session.data.userId, metadata: {}, ...lifetimeOf(ttl) };
    const created = await access.create(thread, (id) => deleteOver(deps, runner, id));
    // Before the run begins: from here on a deletion of the account finds the thread.
    if (created) await keepForUser(deps, c.var.session.data, () => takeBack(deps, runner, created));
  }
}
