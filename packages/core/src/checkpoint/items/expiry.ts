/** Lifetimes of checkpoints, and of the items that they are made of. */
import type { RunnableConfig } from "@langchain/core/runnables";
import { invalidInput } from "../../errors.ts";
import type { State } from "../piece-table/plan.ts";

/**
 * Instants in epoch seconds. An item outlives its checkpoint by as much again, since what is put while that is live may
 * refer to its bytes, and lives as long from then on.
 */
export interface Expiry {
  expiresAt?: number | undefined;
  keptUntil?: number | undefined;
  /** The time from the put until `keptUntil`, in milliseconds. */
  keptMs?: number | undefined;
}

/** The attributes of an item that is to be kept so long. */
export const kept = ({ keptUntil }: Expiry): { expiresAt?: number | undefined } =>
  keptUntil === undefined ? {} : { expiresAt: keptUntil };

/** The earlier of two instants, of which undefined is never. */
export const earliest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** The later of two instants, of which undefined is never. */
export const latest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : Math.max(a, b);

/** The instant until which a checkpoint's head, and all that it refers to, is kept. */
export const endOf = ({ sourcesUntil, keptUntil }: State): number | undefined => earliest(sourcesUntil, keptUntil);

/** True when a checkpoint's head, and all that it refers to, is kept until `until`, of which undefined is never. */
export function outlives(state: State, until: number | undefined): boolean {
  const end = endOf(state);
  return end === undefined || (until !== undefined && until <= end);
}

/** `ttlMs` from `now` on, both in milliseconds; a call may have a lifetime of its own, `configurable.ttl_ms`. */
export function expiryOf(config: RunnableConfig, ttlMs: number | undefined, now: number): Expiry {
  const own: unknown = config.configurable?.ttl_ms;
  if (own !== undefined && !(typeof own === "number" && own > 0))
    throw invalidInput("configurable.ttl_ms must be a number above 0");
  const lifetime = own ?? ttlMs;
  if (lifetime === undefined) return {};
  const keptMs = 2 * lifetime;
  return { expiresAt: Math.ceil((now + lifetime) / 1000), keptUntil: Math.ceil((now + keptMs) / 1000), keptMs };
}
