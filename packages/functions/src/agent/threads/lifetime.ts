/** The lifetime of a thread on the wire, with LangGraph's names. Minutes may be fractions. */
import type { Lifetime, Thread } from "@tenure/core/thread";
import { z } from "zod";
import { refuseOptions } from "../../http/input.ts";
import { deleteThread, type UnderWay } from "../deletion.ts";
import type { AgentDeps } from "../deps.ts";

const MINUTE_MS = 60_000;
/** Ten years. */
const MAX_MINUTES = 5_256_000;
/** A lifetime of one millisecond and more. */
const minutes = z
  .number()
  .min(1 / MINUTE_MS)
  .max(MAX_MINUTES);

/** A number of minutes, or `{ ttl, strategy }`. */
export const ttlField = z
  .union([minutes, z.object({ ttl: minutes, strategy: z.enum(["delete", "keep_latest"]).nullish() })])
  .nullish();

/** Nothing when none was asked for. A lifetime without a strategy is one of `delete`. */
export function lifetimeOf(asked: z.infer<typeof ttlField>): Lifetime {
  if (asked === null || asked === undefined) return {};
  const { ttl, strategy } = typeof asked === "number" ? { ttl: asked, strategy: undefined } : asked;
  return { ttlMs: Math.max(1, Math.round(ttl * MINUTE_MS)), strategy: strategy ?? "delete" };
}

/** Fields of a thread that are shown when they are asked for. */
export const includeField = z.union([z.string(), z.array(z.string())]).optional();

/** The fields that `include` asks for. Throws `not-implemented`, by name, for anything but `ttl`. */
export function included(asked: z.infer<typeof includeField>, thread: Thread, now: number): Record<string, unknown> {
  const fields = (asked === undefined ? [] : [asked].flat()).flatMap((one) => one.split(",")).filter(Boolean);
  for (const field of fields) refuseOptions({ [`include=${field} of a thread`]: field !== "ttl" });
  return fields.length > 0 ? { ttl: ttlJson(thread, now) } : {};
}

/** Null for a thread that is kept for good. One with a run under way or in its queue is there until `expires_at` at least. */
function ttlJson(
  { ttlMs, deadline, strategy = "delete", inflight }: Thread,
  now: number,
): Record<string, unknown> | null {
  if (ttlMs === undefined || deadline === undefined) return null;
  // The end of the run moves the deadline.
  const until = inflight.length > 0 ? Math.max(deadline, now + ttlMs) : deadline;
  return { strategy, ttl_minutes: ttlMs / MINUTE_MS, expires_at: new Date(until).toISOString() };
}

/** Deletes a thread whose deadline has passed, whosoever it was, so that its id can be used; false when there is none. */
export async function deleteOver(deps: AgentDeps, runner: UnderWay, id: string): Promise<boolean> {
  const owner = await deps.threads.expire(id);
  return owner !== undefined && (await deleteThread(deps, runner, { id, owner }));
}
