/** Assistants on the LangGraph server's wire: one by each graph, for everybody, and those that users make for themselves. */

import { v7 } from "@langchain/core/utils/uuid";
import { contains } from "@tenure/core/contains";
import { invalidInput, TenureError } from "@tenure/core/errors";
import { Hono } from "hono";
import { z } from "zod";
import type { Graph } from "../../graphs/graph.ts";
import { type GraphSchemas, schemasOf } from "../../graphs/schemas.ts";
import type { Identity } from "../../http/identity.ts";
import { operation } from "../../http/operation.ts";
import { uuid, yesOrNo } from "../../http/schemas.ts";
import type { SessionEnv } from "../../http/session/session.ts";
import { deleteThread, keepForUser } from "../deletion.ts";
import type { AgentDeps } from "../deps.ts";
import { checkSelect, selected } from "../paths.ts";
import { record, runConfig, smallRecord } from "../runs/request.ts";
import type { Runner } from "../runs/schedule/runner.ts";
import { assistantJson, FIELDS } from "../wire.ts";
import { assistantOf, graphAssistants, shownAssistant } from "./assistants.ts";
import type { AssistantDescription } from "./description.ts";

const tag = "assistants";
/** True or false, or the number of levels of sub-graphs that are shown. */
const xray = z
  .string()
  .regex(/^(\d{1,3}|true|yes|false|no)?$/i, { message: "is neither true nor false, and no number of levels" })
  .nullish()
  .transform((value) => (/^\d{1,3}$/.test(value ?? "") ? Number(value) : /^(true|yes)$/i.test(value ?? "")));
const fields = {
  config: runConfig.nullish(),
  context: smallRecord.nullish(),
  metadata: smallRecord.nullish(),
  name: z.string().max(500).nullish(),
  description: z.string().max(5000).nullish(),
};
const createBody = z.object({
  ...fields,
  graph_id: z.string(),
  assistant_id: uuid.nullish(),
  if_exists: z.enum(["raise", "do_nothing"]).nullish(),
});
const changeBody = z.object({ ...fields, graph_id: z.string().nullish() });
const filterBody = z.object({ metadata: record.nullish(), graph_id: z.string().nullish(), name: z.string().nullish() });
const searchBody = filterBody.extend({
  limit: z.number().int().min(1).max(1000).nullish(),
  offset: z.number().int().min(0).nullish(),
  sort_by: z.enum(["assistant_id", "graph_id", "name", "created_at", "updated_at"]).nullish(),
  sort_order: z.enum(["asc", "desc"]).nullish(),
  select: z.array(z.string()).nullish(),
});
const versionsBody = z.object({
  metadata: record.nullish(),
  limit: z.number().int().min(1).max(1000).nullish(),
  offset: z.number().int().min(0).nullish(),
});

export function assistantRoutes(deps: AgentDeps, runner: Runner): Hono<SessionEnv<Identity>> {
  const { assistants, graphs } = deps;
  const absent = (assistantId: string) => new TenureError({ tag: "assistant-not-found", assistantId });

  function graphNamed(graphId: string): string {
    if (!graphs.has(graphId)) throw invalidInput(`graph_id: there is no graph ${graphId}`);
    return graphId;
  }

  async function graphOf(asked: string, owner: string): Promise<{ graph: Graph; graphId: string }> {
    const { graphId, config } = await assistantOf(deps, asked, owner);
    const graph = await graphs.get(graphId)?.(config);
    if (!graph) throw absent(asked);
    return { graph, graphId };
  }

  /** Returns an assistant that may be changed. Throws `assistant-readonly` for a graph's own, since it is everybody's. */
  async function changeable(asked: string, owner: string): Promise<AssistantDescription> {
    const found = await shownAssistant(deps, asked, owner);
    if (found.metadata.created_by === "system" && graphAssistants(deps).some(({ id }) => id === found.id))
      throw new TenureError({ tag: "assistant-readonly", assistantId: found.id });
    return found;
  }

  async function find(owner: string, { metadata, graph_id, name }: z.infer<typeof filterBody>) {
    const found: AssistantDescription[] = [];
    for await (const one of assistants.list(owner)) found.push(one);
    return [...found, ...graphAssistants(deps)].filter(
      (one) =>
        (!graph_id || one.graphId === graph_id) &&
        (!metadata || contains(one.metadata, metadata)) &&
        (!name || one.name.toLowerCase().includes(name.toLowerCase())),
    );
  }

  return new Hono<SessionEnv<Identity>>()
    .post(
      "/",
      operation({ tag, summary: "Make an assistant", body: createBody, answers: { 200: "The assistant" } }),
      async (c) => {
        const { assistant_id, graph_id, if_exists, ...given } = c.var.body;
        const owner = c.var.session.data.userId;
        const id = assistant_id ?? v7();
        const created =
          !graphAssistants(deps).some((one) => one.id === id) &&
          (await assistants.create({
            ...{
              id,
              owner,
              graphId: graphNamed(graph_id),
              name: given.name ?? "Untitled",
              description: given.description ?? null,
            },
            ...{ config: given.config ?? {}, context: given.context ?? {}, metadata: given.metadata ?? {} },
          }));
        if (created) {
          await keepForUser(deps, c.var.session.data, () => assistants.remove(id, owner));
          return c.json(assistantJson(created));
        }
        const known = await assistants.get(id, owner);
        if (!known) throw absent(id);
        if (if_exists !== "do_nothing") throw new TenureError({ tag: "assistant-exists", assistantId: id });
        return c.json(assistantJson(known));
      },
    )

    .post(
      "/search",
      operation({ tag, summary: "Find assistants", body: searchBody, answers: { 200: "Assistants" } }),
      async (c) => {
        const { limit, offset, select, sort_order, sort_by, ...filter } = c.var.body;
        checkSelect(select, FIELDS.assistant, "an assistant");
        const found = (await find(c.var.session.data.userId, filter)).sort(
          byField(sort_by ?? "created_at", sort_order ?? "desc"),
        );
        const [from, count] = [offset ?? 0, limit ?? 10];
        const page = found.slice(from, from + count);
        const hasMore = found.length > from + count;
        c.header("X-Pagination-Total", String(from + page.length + (hasMore ? 1 : 0)));
        if (hasMore) c.header("X-Pagination-Next", String(from + count));
        return c.json(page.map((one) => selected(assistantJson(one), select)));
      },
    )

    .post(
      "/count",
      operation({ tag, summary: "Count assistants", body: filterBody, answers: { 200: "A number" } }),
      async (c) => c.json((await find(c.var.session.data.userId, c.var.body)).length),
    )

    .get("/:id", operation({ tag, summary: "Read an assistant", answers: { 200: "The assistant" } }), async (c) =>
      c.json(assistantJson(await shownAssistant(deps, c.req.param("id"), c.var.session.data.userId))),
    )

    .patch(
      "/:id",
      operation({ tag, summary: "Make a new version", body: changeBody, answers: { 200: "The assistant" } }),
      async (c) => {
        const owner = c.var.session.data.userId;
        const { id } = await changeable(c.req.param("id"), owner);
        const { graph_id, config, context, metadata, name, description } = c.var.body;
        const changed = await assistants.change(id, owner, {
          ...(graph_id != null && { graphId: graphNamed(graph_id) }),
          ...(config != null && { config }),
          ...(context != null && { context }),
          ...(metadata != null && { metadata }),
          ...(name != null && { name }),
          ...(description != null && { description }),
        });
        if (!changed) throw absent(id);
        return c.json(assistantJson(changed));
      },
    )

    .delete(
      "/:id",
      operation({
        tag,
        summary: "Delete an assistant",
        query: z.object({ delete_threads: yesOrNo }),
        answers: { 204: "Gone" },
      }),
      async (c) => {
        const owner = c.var.session.data.userId;
        const { id } = await changeable(c.req.param("id"), owner);
        if (c.var.query.delete_threads)
          for await (const thread of deps.threads.list(owner))
            if (thread.metadata.assistant_id === id) await deleteThread(deps, runner, thread);
        await assistants.remove(id, owner);
        return c.body(null, 204);
      },
    )

    .post(
      "/:id/versions",
      operation({ tag, summary: "List versions", body: versionsBody, answers: { 200: "Versions" } }),
      async (c) => {
        const owner = c.var.session.data.userId;
        const found = await shownAssistant(deps, c.req.param("id"), owner);
        const { limit, offset, metadata } = c.var.body;
        const versions: AssistantDescription[] = [];
        for await (const one of assistants.versions(found.id, owner))
          if (!metadata || contains(one.metadata, metadata)) versions.push(one);
        const all = versions.length === 0 && !metadata && found.version === 1 ? [found] : versions;
        return c.json(all.slice(offset ?? 0, (offset ?? 0) + (limit ?? 10)).map(assistantJson));
      },
    )

    .post(
      "/:id/latest",
      operation({
        tag,
        summary: "Use an earlier version",
        body: z.object({ version: z.number().int().min(1) }),
        answers: { 200: "The assistant" },
      }),
      async (c) => {
        const owner = c.var.session.data.userId;
        const { id } = await changeable(c.req.param("id"), owner);
        const used = await assistants.use(id, owner, c.var.body.version);
        if (!used) throw absent(`${id}, version ${c.var.body.version}`);
        return c.json(assistantJson(used));
      },
    )

    .get(
      "/:id/graph",
      operation({
        tag,
        summary: "Read the graph's nodes and edges",
        query: z.object({ xray }),
        answers: { 200: "The graph" },
      }),
      async (c) => {
        const { graph } = await graphOf(c.req.param("id"), c.var.session.data.userId);
        return c.json((await graph.getGraphAsync({ xray: c.var.query.xray })).toJSON());
      },
    )

    .get(
      "/:id/schemas",
      operation({
        tag,
        summary: "Read the graph's schemas, as far as they are known",
        answers: { 200: "Schemas" },
      }),
      async (c) => {
        const { graph, graphId } = await graphOf(c.req.param("id"), c.var.session.data.userId);
        return c.json({ graph_id: graphId, ...schemasJson(schemasOf(graph, deps.schemas[graphId]?.[""])) });
      },
    )

    .get(
      "/:id/subgraphs/:namespace?",
      operation({
        tag,
        summary: "Read the schemas of subgraphs",
        query: z.object({ recurse: yesOrNo }),
        answers: { 200: "Schemas by namespace" },
      }),
      async (c) => {
        const { graph, graphId } = await graphOf(c.req.param("id"), c.var.session.data.userId);
        const found: Record<string, object> = {};
        const namespace = c.req.param("namespace");
        for await (const [name, subgraph] of graph.getSubgraphsAsync(namespace, c.var.query.recurse)) {
          const schemas = schemasOf(subgraph as unknown as Graph, deps.schemas[graphId]?.[name]);
          found[name] = { ...schemas, ...schemasJson(schemas) };
        }
        return c.json(found);
      },
    );
}

/** As LangGraph's reference has them; its JavaScript server leaves the suffix out for subgraphs, where both are given. */
const schemasJson = ({ state, input, output, config }: GraphSchemas) => ({
  state_schema: state,
  input_schema: input,
  output_schema: output,
  // LangGraph renamed one to the other.
  config_schema: config,
  context_schema: config,
});

function byField(field: string, order: "asc" | "desc"): (a: AssistantDescription, b: AssistantDescription) => number {
  const of = (one: AssistantDescription): string | number => {
    if (field === "name") return one.name;
    if (field === "graph_id") return one.graphId;
    if (field === "assistant_id") return one.id;
    return field === "updated_at" ? one.updatedAt : one.createdAt;
  };
  const sign = order === "asc" ? 1 : -1;
  return (a, b) => sign * (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : a.id < b.id ? -1 : 1);
}
