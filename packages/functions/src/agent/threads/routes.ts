/** Threads on the LangGraph server's wire. A thread of somebody else does not exist. */

import { v7 } from "@langchain/core/utils/uuid";
import { invalidInput, TenureError } from "@tenure/core/errors";
import { Hono } from "hono";
import { z } from "zod";
import type { Identity } from "../../http/identity.ts";
import { operation } from "../../http/operation.ts";
import { uuid } from "../../http/schemas.ts";
import type { SessionEnv } from "../../http/session/session.ts";
import { deleteThread, keepForUser, takeBack } from "../deletion.ts";
import type { AgentDeps } from "../deps.ts";
import { checkPaths, checkSelect, extracted, fieldsOf, picked } from "../paths.ts";
import { graphCommand, smallRecord as metadata, record } from "../runs/request.ts";
import type { Runner } from "../runs/schedule/runner.ts";
import { FIELDS, json, threadJson } from "../wire.ts";
import { ThreadAccess } from "./access.ts";
import { inGroups, ThreadFinder } from "./find.ts";
import { deleteOver, included, includeField, lifetimeOf, ttlField } from "./lifetime.ts";
import { asInvalid, changeState } from "./status.ts";

const tag = "threads";
const status = z.enum(["idle", "busy", "interrupted", "error"]);

const update = z.object({
  values: z.unknown().optional(),
  command: z
    .object({ update: z.unknown().optional(), resume: z.unknown().optional(), goto: z.unknown().optional() })
    .nullish(),
  as_node: z.string().nullish(),
});
const createBody = z.object({
  thread_id: uuid.nullish(),
  metadata: metadata.nullish(),
  if_exists: z.enum(["raise", "do_nothing"]).nullish(),
  supersteps: z
    .array(z.object({ updates: z.array(update).min(1).max(100) }))
    .max(100)
    .nullish(),
  ttl: ttlField,
});
const getQuery = z.object({ include: includeField });
const pruneBody = z.object({
  thread_ids: z.array(uuid).max(1000),
  strategy: z.enum(["delete", "keep_latest"]).nullish(),
});
const filterBody = z.object({
  metadata: record.nullish(),
  ids: z.array(uuid).nullish(),
  status: status.nullish(),
  values: record.nullish(),
});
const searchBody = filterBody.extend({
  limit: z.number().int().min(1).max(1000).nullish(),
  offset: z.number().int().min(0).nullish(),
  sort_by: z.enum(["thread_id", "status", "created_at", "updated_at", "state_updated_at"]).nullish(),
  sort_order: z.enum(["asc", "desc"]).nullish(),
  select: z.array(z.string()).max(100).nullish(),
  extract: z.record(z.string(), z.string()).nullish(),
});

export function threadRoutes(deps: AgentDeps, runner: Runner): Hono<SessionEnv<Identity>> {
  const { threads } = deps;
  const access = new ThreadAccess(deps);

  const finder = new ThreadFinder(deps, access);

  return new Hono<SessionEnv<Identity>>()
    .post(
      "/",
      operation({ tag, summary: "Make a thread", body: createBody, answers: { 200: "The thread" } }),
      async (c) => {
        const { thread_id, metadata, if_exists, supersteps, ttl } = c.var.body;
        const id = thread_id ?? v7();
        const owner = c.var.session.data.userId;
        const created = await access.create({ id, owner, metadata: metadata ?? {}, ...lifetimeOf(ttl) }, (one) =>
          deleteOver(deps, runner, one),
        );
        if (!created && if_exists !== "do_nothing") throw new TenureError({ tag: "thread-exists", threadId: id });
        const thread = created || (await access.own(id, owner));
        if (created) await keepForUser(deps, c.var.session.data, () => takeBack(deps, runner, created));
        if (created && supersteps?.length) {
          const graph = await access.graphOf(thread);
          if (!graph) throw noGraph();
          const steps = supersteps.map(({ updates }) => ({
            updates: updates.map(({ values, command, as_node }) => ({
              values: command ? graphCommand(command as Parameters<typeof graphCommand>[0]) : (values ?? null),
              ...(as_node && { asNode: as_node }),
            })),
          }));
          await changeState(deps, access, thread, (held) =>
            graph.bulkUpdateState(access.configOf(held), steps as never).catch(asInvalid),
          );
          return json(c, await access.show(await access.own(id, owner)));
        }
        return json(c, await access.show(thread));
      },
    )

    .post(
      "/search",
      operation({ tag, summary: "Find threads", body: searchBody, answers: { 200: "Threads" } }),
      async (c) => {
        const { limit, offset, sort_by, sort_order, select, extract, ...filter } = c.var.body;
        checkPaths(extract ?? {});
        checkSelect(select, FIELDS.thread, "a thread");
        checkSelect(Object.values(extract ?? {}), FIELDS.thread, "a thread", "extract");
        const paths = [...fieldsOf(select ?? [], "select"), ...fieldsOf(Object.values(extract ?? {}), "extract")];
        const [from, count] = [offset ?? 0, limit ?? 10];
        const { threads, hasMore } = await finder.page(c.var.session.data.userId, filter, {
          ...{ field: sort_by ?? "created_at", order: sort_order ?? "desc", offset: from, limit: count },
        });
        c.header("X-Pagination-Total", String(from + threads.length + (hasMore ? 1 : 0)));
        if (hasMore) c.header("X-Pagination-Next", String(from + count));
        const wantsState = !select?.length || paths.some((field) => field === "values" || field === "interrupts");
        const shown = await inGroups(threads, async (thread) => {
          const whole = wantsState ? await access.show(thread) : threadJson(thread, undefined);
          return {
            ...(select?.length ? picked(whole, select) : whole),
            ...(extract && { extracted: extracted(whole, extract) }),
          };
        });
        return json(c, shown);
      },
    )

    .post(
      "/count",
      operation({ tag, summary: "Count threads", body: filterBody, answers: { 200: "A number" } }),
      async (c) => c.json(await finder.count(c.var.session.data.userId, c.var.body)),
    )

    .post(
      "/prune",
      operation({
        tag,
        summary: "Delete threads by their ids, or all but their latest state",
        body: pruneBody,
        answers: { 200: "A number" },
      }),
      async (c) => {
        const { thread_ids, strategy } = c.var.body;
        const owner = c.var.session.data.userId;
        const pruned = await inGroups([...new Set(thread_ids)], async (id) => {
          if (await deleteOver(deps, runner, id)) return false;
          return strategy === "keep_latest" ? threads.prune(id, owner) : deleteThread(deps, runner, { id, owner });
        });
        return c.json({ pruned_count: pruned.filter(Boolean).length });
      },
    )

    .get(
      "/:id",
      operation({ tag, summary: "Read a thread", query: getQuery, answers: { 200: "The thread" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        const more = included(c.var.query.include, thread, deps.clock.now());
        return json(c, { ...(await access.show(thread)), ...more });
      },
    )

    .patch(
      "/:id",
      operation({
        tag,
        summary: "Add to a thread's metadata, and set its lifetime",
        body: z.object({ metadata: metadata.nullish(), ttl: ttlField }),
        answers: { 200: "The thread", 204: "It is done, with `Prefer: return=minimal`" },
      }),
      async (c) => {
        const { id, owner, metadata: before } = await access.own(c.req.param("id"), c.var.session.data.userId);
        const added = c.var.body.metadata ?? {};
        const whole = metadata.safeParse({ ...before, ...added });
        if (!whole.success) throw invalidInput("metadata: is too large with what is there");
        const thread = await threads.change(id, owner, { metadata: added, ...lifetimeOf(c.var.body.ttl) });
        if (!thread) throw new TenureError({ tag: "thread-not-found", threadId: id });
        if (/(^|[,;\s])return=minimal($|[,;\s])/i.test(c.req.header("Prefer") ?? "")) {
          c.header("Preference-Applied", "return=minimal");
          return c.body(null, 204);
        }
        return json(c, await access.show(thread));
      },
    )

    .delete(
      "/:id",
      operation({ tag, summary: "Delete a thread, its runs and its state", answers: { 204: "Gone" } }),
      async (c) => {
        const id = c.req.param("id");
        const owner = c.var.session.data.userId;
        const isOne = uuid.safeParse(id).success && !(await deleteOver(deps, runner, id));
        if (!isOne || !(await deleteThread(deps, runner, { id, owner })))
          throw new TenureError({ tag: "thread-not-found", threadId: id });
        return c.body(null, 204);
      },
    )

    .post(
      "/:id/copy",
      operation({ tag, summary: "Copy a thread with its state", answers: { 200: "The copy" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        const id = v7();
        const created = await threads.create({
          id,
          owner: thread.owner,
          metadata: { ...thread.metadata, thread_id: id },
          ttlMs: thread.ttlMs,
          strategy: thread.strategy,
        });
        if (!created) throw new TenureError({ tag: "thread-exists", threadId: id });
        try {
          const copy = (await threads.change(id, thread.owner, { config: thread.config })) ?? created;
          const from = access.configOf(thread);
          await changeState(deps, access, copy, (held) => deps.checkpointer.copyThread(from, access.configOf(held)));
          // A thread that was being deleted may have been read in a state that it never had.
          await access.own(thread.id, thread.owner);
          await keepForUser(deps, c.var.session.data, () => takeBack(deps, runner, copy));
          return json(c, await access.show(await access.own(id, thread.owner)));
        } catch (error) {
          // Nobody has asked for a part of it. Where this fails too, the part is a thread in the list.
          await takeBack(deps, runner, created).catch(() => {});
          throw error;
        }
      },
    );
}

const noGraph = () =>
  new TenureError({
    tag: "invalid-input",
    issues: ["metadata.graph_id: names the graph whose state this is; it is missing"],
  });
