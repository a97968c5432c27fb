/** The storage that a thread takes up, for its owner: what makes it large, and what it costs to read. */
import type { ThreadReport } from "@tenure/core/checkpoint";
import { Hono } from "hono";
import type { Identity } from "../../http/identity.ts";
import { operation } from "../../http/operation.ts";
import type { SessionEnv } from "../../http/session/session.ts";
import type { AgentDeps } from "../deps.ts";
import { ThreadAccess } from "./access.ts";

/** About 4,000 read units of DynamoDB's. */
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_LISTED = 100;

export function storageRoutes(deps: AgentDeps): Hono<SessionEnv<Identity>> {
  const access = new ThreadAccess(deps);
  return new Hono<SessionEnv<Identity>>().get(
    "/:id/storage",
    operation({
      tag: "threads",
      summary: "Measure what is stored of a thread",
      answers: {
        200: "Items and bytes, by kind, and the newest checkpoints; `is_part` when more than 16 MB are stored",
      },
    }),
    async (c) => {
      const { id, incarnation } = await access.own(c.req.param("id"), c.var.session.data.userId);
      return c.json(storageJson(id, await deps.checkpointer.inspect(id, { mostBytes: MOST_BYTES, incarnation })));
    },
  );
}

function storageJson(id: string, { kinds, newest, channels, checkpoints, damaged, isPart }: ThreadReport): object {
  const all = Object.values(kinds);
  return {
    thread_id: id,
    items: all.reduce((sum, { items }) => sum + items, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    is_part: isPart,
    kinds,
    checkpoints: checkpoints.length,
    newest: newest
      .slice(0, MOST_LISTED)
      .map(({ namespace, id: checkpoint_id, bytes }) => ({ checkpoint_ns: namespace, checkpoint_id, bytes })),
    channels: channels.slice(0, MOST_LISTED).map(({ namespace, name, extents, segments, reach }) => ({
      checkpoint_ns: namespace,
      name,
      extents,
      segments,
      reach,
    })),
    damaged: damaged.slice(0, MOST_LISTED),
  };
}
