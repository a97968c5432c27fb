/** Runs on the LangGraph server's wire: on a thread, or on one that is made for the run and goes with it. */

import { TenureError } from "@tenure/core/errors";
import type { Run } from "@tenure/core/thread";
import { Hono } from "hono";
import type { Identity } from "../../http/identity.ts";
import { operation } from "../../http/operation.ts";
import { uuid } from "../../http/schemas.ts";
import type { SessionEnv } from "../../http/session/session.ts";
import { assistantOf } from "../assistants/assistants.ts";
import type { AgentDeps } from "../deps.ts";
import { checkSelect, selected } from "../paths.ts";
import { ThreadAccess } from "../threads/access.ts";
import { FIELDS, json, runJson } from "../wire.ts";
import { batchBody, cancelBody, cancelQuery, joinQuery, listQuery, watchQuery } from "./asked.ts";
import { type Asked, beginner } from "./begin.ts";
import { inSnakeCase, refuseModes, runRequest } from "./request.ts";
import { RunResponses } from "./responses.ts";
import type { Runner } from "./schedule/runner.ts";

const tag = "runs";
export function threadRunRoutes(deps: AgentDeps, runner: Runner): Hono<SessionEnv<Identity>> {
  const { threads } = deps;
  const access = new ThreadAccess(deps);
  const responses = new RunResponses(deps, runner, access);
  const begin = beginner(deps, runner, access);

  async function ownRun(c: Asked): Promise<Run> {
    const [threadId, runId] = [c.req.param("id") ?? "", c.req.param("run") ?? ""];
    const owner = c.var.session.data.userId;
    const areIds = uuid.safeParse(threadId).success && uuid.safeParse(runId).success;
    const run = areIds ? await threads.run(threadId, runId) : undefined;
    if (run?.owner === owner) return run;
    await access.own(threadId, owner);
    // A damaged record may have lost its owner: the thread's owner counts then.
    if (run?.damage) return run;
    throw new TenureError({ tag: "run-not-found", runId });
  }

  return new Hono<SessionEnv<Identity>>()
    .post(
      "/:id/runs",
      operation({ tag, summary: "Begin a run and leave it", body: runRequest, answers: { 200: "The run" } }),
      async (c) => {
        const run = await begin(c, c.var.body, c.req.param("id"));
        c.header("Content-Location", `/threads/${run.threadId}/runs/${run.id}`);
        return json(c, runJson(run));
      },
    )

    .post(
      "/:id/runs/stream",
      operation({ tag, summary: "Begin a run and watch it", body: runRequest, answers: { 200: "Events" } }),
      async (c) => {
        const run = await begin(c, c.var.body, c.req.param("id"), { watched: true });
        return responses.stream(c, run, { after: -1, cancelOnDisconnect: c.var.body.on_disconnect === "cancel" });
      },
    )

    .post(
      "/:id/runs/wait",
      operation({ tag, summary: "Begin a run and wait for its end", body: runRequest, answers: { 200: "The values" } }),
      async (c) => {
        const run = await begin(c, c.var.body, c.req.param("id"), { watched: true });
        return responses.wait(c, run, { cancelOnDisconnect: c.var.body.on_disconnect === "cancel" });
      },
    )

    .get(
      "/:id/runs",
      operation({ tag, summary: "List a thread's runs", query: listQuery, answers: { 200: "Runs" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        const { limit, offset, status, select } = c.var.query;
        checkSelect(select, FIELDS.run, "a run");
        const found: Run[] = [];
        const wanted = (limit ?? 10) + (offset ?? 0);
        for await (const run of threads.runs(thread.id, thread.owner)) {
          if (status && run.status !== status) continue;
          found.push(run);
          if (found.length === wanted) break;
        }
        return json(
          c,
          found.slice(offset ?? 0).map((run) => selected(runJson(run), select)),
        );
      },
    )

    .get("/:id/runs/:run", operation({ tag, summary: "Read a run", answers: { 200: "The run" } }), async (c) => {
      return json(c, runJson(await ownRun(c)));
    })

    .delete(
      "/:id/runs/:run",
      operation({ tag, summary: "Delete a run's record", answers: { 204: "Gone" } }),
      async (c) => {
        const run = await ownRun(c);
        if (run.status === "pending" || run.status === "running")
          await runner.cancel(run.threadId, run.id, "interrupt", { wait: true, owner: run.owner });
        await threads.removeRun(run.threadId, run.id);
        await deps.events.remove(run.id);
        return c.body(null, 204);
      },
    )

    .get(
      "/:id/runs/:run/join",
      operation({ tag, summary: "Wait for a run's end", query: joinQuery, answers: { 200: "The values" } }),
      async (c) => {
        const run = await ownRun(c);
        return responses.wait(c, run, { cancelOnDisconnect: c.var.query.cancel_on_disconnect });
      },
    )

    .get(
      "/:id/runs/:run/stream",
      operation({
        tag,
        summary: "Watch a run, from the event that was seen last",
        query: watchQuery,
        answers: { 200: "Events" },
      }),
      async (c) => {
        const run = await ownRun(c);
        const { cancel_on_disconnect: cancelOnDisconnect, stream_mode } = c.var.query;
        refuseModes(stream_mode);
        return responses.stream(c, run, { after: lastSeen(c), cancelOnDisconnect, modes: stream_mode });
      },
    )

    .post(
      "/:id/runs/:run/cancel",
      operation({
        tag,
        summary: "End a run",
        query: cancelQuery,
        answers: { 202: "It will end", 204: "It has ended" },
      }),
      async (c) => {
        const run = await ownRun(c);
        const { wait, action } = c.var.query;
        await runner.cancel(run.threadId, run.id, action ?? "interrupt", { wait, owner: run.owner });
        return c.body(null, wait ? 204 : 202);
      },
    );
}

export function runRoutes(deps: AgentDeps, runner: Runner): Hono<SessionEnv<Identity>> {
  const { threads } = deps;
  const access = new ThreadAccess(deps);
  const responses = new RunResponses(deps, runner, access);
  const begin = beginner(deps, runner, access);

  return new Hono<SessionEnv<Identity>>()
    .post(
      "/",
      operation({ tag, summary: "Begin a run without a thread", body: runRequest, answers: { 200: "The run" } }),
      async (c) => {
        const run = await begin(c, c.var.body);
        c.header("Content-Location", `/runs/${run.id}`);
        return json(c, runJson(run));
      },
    )

    .post(
      "/stream",
      operation({
        tag,
        summary: "Begin a run without a thread and watch it",
        body: runRequest,
        answers: { 200: "Events" },
      }),
      async (c) => {
        const run = await begin(c, c.var.body, undefined, { watched: true });
        const cancelOnDisconnect = c.var.body.on_disconnect === "cancel";
        return responses.stream(c, run, { after: -1, cancelOnDisconnect, stateless: true });
      },
    )

    .post(
      "/wait",
      operation({
        tag,
        summary: "Begin a run without a thread and wait for its end",
        body: runRequest,
        answers: { 200: "The values" },
      }),
      async (c) => {
        const run = await begin(c, c.var.body, undefined, { watched: true });
        return responses.wait(c, run, { cancelOnDisconnect: c.var.body.on_disconnect === "cancel", stateless: true });
      },
    )

    .post(
      "/batch",
      operation({
        tag,
        summary: "Begin several runs without threads",
        body: batchBody,
        rename: (runs) => (Array.isArray(runs) ? runs.map(inSnakeCase) : runs),
        answers: { 200: "The runs" },
      }),
      async (c) => {
        const owner = c.var.session.data.userId;
        for (const { assistant_id } of c.var.body) await assistantOf(deps, assistant_id, owner);
        const begun: Run[] = [];
        for (const [item, request] of c.var.body.entries()) begun.push(await begin(c, request, undefined, { item }));
        return json(c, begun.map(runJson));
      },
    )

    .get(
      "/:run/stream",
      operation({
        tag,
        summary: "Watch a run without a thread, from the event that was seen last",
        query: watchQuery,
        answers: { 200: "Events" },
      }),
      async (c) => {
        const runId = c.req.param("run");
        // The thread of such a run has the run's id.
        const run = uuid.safeParse(runId).success ? await threads.run(runId, runId) : undefined;
        if (run?.owner !== c.var.session.data.userId) throw new TenureError({ tag: "run-not-found", runId });
        const { cancel_on_disconnect: cancelOnDisconnect, stream_mode: modes } = c.var.query;
        refuseModes(modes);
        return responses.stream(c, run, { after: lastSeen(c), cancelOnDisconnect, modes, stateless: true });
      },
    )

    .post(
      "/cancel",
      operation({
        tag,
        summary: "End several runs",
        body: cancelBody,
        query: cancelQuery.pick({ action: true }),
        answers: { 204: "They will end" },
      }),
      async (c) => {
        const { thread_id, run_ids, status } = c.var.body;
        const action = c.var.query.action ?? "interrupt";
        const owner = c.var.session.data.userId;
        const among = thread_id ? [await access.own(thread_id, owner)] : await all(threads.list(owner));
        let ended = 0;
        const failures: unknown[] = [];
        for (const thread of among)
          for (const runId of thread.inflight) {
            if (run_ids && !run_ids.includes(runId)) continue;
            const run = status && status !== "all" ? await threads.run(thread.id, runId) : undefined;
            if (run && run.status !== status) continue;
            // A run that cannot be ended does not keep the others from it.
            await runner.cancel(thread.id, runId, action, { owner }).catch((error: unknown) => failures.push(error));
            ended += 1;
          }
        if (failures.length > 0) throw failures[0];
        const [named] = run_ids ?? [];
        if (ended === 0 && named !== undefined) throw new TenureError({ tag: "run-not-found", runId: named });
        return c.body(null, 204);
      },
    );
}

/** The number in Last-Event-ID; without one, all events. */
function lastSeen(c: Asked): number {
  const asked = Number(c.req.header("Last-Event-ID") || -1);
  return Number.isSafeInteger(asked) && asked >= -1 ? asked : -1;
}

async function all<T>(list: AsyncGenerator<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) found.push(one);
  return found;
}
