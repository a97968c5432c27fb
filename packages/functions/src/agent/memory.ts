/** LangGraph's long-term memory on its server's wire. Each user has one of their own, which graphs see too. */

import type { Item as StoredItem } from "@langchain/langgraph-checkpoint";
import { TenureError } from "@tenure/core/errors";
import { type FoundItem, OPERATORS } from "@tenure/core/memory";
import { forEach } from "@tenure/core/parallel";
import { Hono } from "hono";
import { z } from "zod";
import type { Identity } from "../http/identity.ts";
import { refuseOptions } from "../http/input.ts";
import { operation } from "../http/operation.ts";
import type { SessionEnv } from "../http/session/session.ts";
import { keepForUser } from "./deletion.ts";
import type { AgentDeps } from "./deps.ts";
import { record } from "./runs/request.ts";
import { damageOf } from "./wire.ts";

const tag = "store";
/** As LangGraph's store checks it. */
const label = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^.:\0]*$/, { message: "a label has no period, no colon and no NUL" });
const labels = z.array(label).max(20);
const namespace = labels
  .min(1)
  .refine(([root]) => root !== "langgraph", { message: 'the first label cannot be "langgraph"' });
const key = z.string().min(1).max(500);
const MINUTE_MS = 60_000;
/** Items whose lifetimes are refreshed at once. */
const AT_ONCE = 16;
/** A thousand years. */
const MAX_TTL_MINUTES = 525_960_000;
const page = { limit: z.number().int().min(0).max(1000).nullish(), offset: z.number().int().min(0).nullish() };

const putBody = z.object({
  namespace,
  key,
  value: record,
  index: z.unknown().optional(),
  /** Minutes. */
  ttl: z.number().positive().max(MAX_TTL_MINUTES).nullish(),
});
const getQuery = z.object({
  namespace: z
    .string()
    .min(1)
    .transform((text) => text.split("."))
    .pipe(labels),
  key,
  refresh_ttl: z.enum(["true", "false"]).nullish(),
});
const searchBody = z.object({
  namespace_prefix: labels.nullish(),
  filter: record.nullish(),
  query: z.string().nullish(),
  refresh_ttl: z.boolean().nullish(),
  ...page,
});
const namespacesBody = z.object({
  prefix: labels.nullish(),
  suffix: labels.nullish(),
  max_depth: z.number().int().min(1).nullish(),
  ...page,
});

export function storeRoutes(deps: AgentDeps): Hono<SessionEnv<Identity>> {
  return new Hono<SessionEnv<Identity>>()
    .put("/items", operation({ tag, summary: "Keep an item", body: putBody, answers: { 204: "Kept" } }), async (c) => {
      const { namespace, key, value, ttl, index } = c.var.body;
      refuseOptions({ "index of an item": index });
      const store = deps.storeOf(c.var.session.data.userId);
      // Null asks for an item that is kept for good; without a word it has the lifetime that the service gives.
      const ttlMs = ttl === null ? undefined : ttl === undefined ? deps.memoryTtlMs : ttl * MINUTE_MS;
      await store.putFor(namespace, key, value, ttlMs);
      await keepForUser(deps, c.var.session.data, () => store.delete(namespace, key));
      return c.body(null, 204);
    })

    .get(
      "/items",
      operation({ tag, summary: "Read an item", query: getQuery, answers: { 200: "The item, or null" } }),
      async (c) => {
        const { namespace, key, refresh_ttl } = c.var.query;
        const store = deps.storeOf(c.var.session.data.userId);
        const item = await store.get(namespace, key);
        if (item && refresh_ttl === "true") await store.refresh(namespace, key);
        return c.json(item && itemJson(item));
      },
    )

    .delete(
      "/items",
      operation({ tag, summary: "Delete an item", body: z.object({ namespace, key }), answers: { 204: "Gone" } }),
      async (c) => {
        await deps.storeOf(c.var.session.data.userId).delete(c.var.body.namespace, c.var.body.key);
        return c.body(null, 204);
      },
    )

    .post(
      "/items/search",
      operation({ tag, summary: "Find items", body: searchBody, answers: { 200: "Items" } }),
      async (c) => {
        const { namespace_prefix, filter, query, limit, offset, refresh_ttl } = c.var.body;
        checkFilter(filter);
        const store = deps.storeOf(c.var.session.data.userId);
        const found = await store.search(namespace_prefix ?? [], {
          limit: limit ?? 10,
          offset: offset ?? 0,
          ...(filter && { filter }),
          ...(query && { query }),
        });
        if (refresh_ttl) await forEach(found, AT_ONCE, (one) => store.refresh(one.namespace, one.key));
        return c.json({ items: found.map(itemJson) });
      },
    )

    .post(
      "/namespaces",
      operation({ tag, summary: "List namespaces", body: namespacesBody, answers: { 200: "Namespaces" } }),
      async (c) => {
        const { prefix, suffix, max_depth, limit, offset } = c.var.body;
        const namespaces = await deps.storeOf(c.var.session.data.userId).listNamespaces({
          limit: limit ?? 100,
          offset: offset ?? 0,
          ...(prefix && { prefix }),
          ...(suffix && { suffix }),
          ...(max_depth != null && { maxDepth: max_depth }),
        });
        return c.json({ namespaces });
      },
    );
}

function checkFilter(filter: Record<string, unknown> | null | undefined): void {
  for (const [key, wanted] of Object.entries(filter ?? {})) {
    const names = typeof wanted === "object" && wanted !== null && !Array.isArray(wanted) ? Object.keys(wanted) : [];
    const unknown = names.find((name) => name.startsWith("$") && !OPERATORS.has(name));
    if (unknown)
      throw new TenureError({
        tag: "invalid-input",
        issues: [`filter.${key}: there is no operator ${unknown}; there are ${[...OPERATORS].join(" ")}`],
      });
  }
}

/** `error` is there when the item is damaged. */
function itemJson({
  namespace,
  key,
  value,
  createdAt,
  updatedAt,
  error,
}: StoredItem & Pick<FoundItem, "error">): object {
  const times = { created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
  return { namespace, key, value, ...times, ...(error && { error: damageOf(error) }) };
}
