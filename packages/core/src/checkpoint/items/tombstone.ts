/**
 * Incarnations of threads. A deletion ends a thread's incarnation: heads of another incarnation than the current one are absent, so that
 * a write that lands after the deletion is never seen. A rollback leaves the incarnation and names a run that never was: heads of
 * that run are absent too.
 *
 * A caller that keeps the incarnations of its threads passes the current one in the config, as `incarnationConfig` has it, and the saver
 * reads no tombstone. For other callers a deletion leaves a tombstone that names the next incarnation. It stays for good, since
 * nothing bounds how late a write may land, and it names its thread by a hash.
 */
import { createHash } from "node:crypto";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { type Key, type Table, untilDone } from "../../dynamo/index.ts";
import { type Incarnation, newIncarnationId, withUndone } from "../../incarnation.ts";
import { lruOf } from "../lru.ts";

/** LangGraph keeps keys that begin with two underscores out of a checkpoint's metadata. */
const INCARNATION = "__thread_life";
/** The entry of `configurable` that names the incarnation of a config's thread. */
export const incarnationConfig = (incarnation: Incarnation): Record<string, unknown> => ({
  [INCARNATION]: incarnation,
});

/** The incarnation that a config names. */
export const incarnationIn = (config: RunnableConfig): Incarnation | undefined =>
  config.configurable?.[INCARNATION] as Incarnation | undefined;

/** LangGraph's id for writes of no task. */
const NULL_TASK = "00000000-0000-0000-0000-000000000000";
/** The entry of `configurable` that names a checkpoint whose answer without a task has been used: it is not to be given again. */
const ANSWERED = "__answered";
export const withoutAnswer = (checkpointId: string): Record<string, unknown> => ({ [ANSWERED]: checkpointId });

/** A tuple as its config wants it: see `withoutAnswer`. */
export function asAnswered(tuple: CheckpointTuple, config: RunnableConfig): CheckpointTuple {
  if (config.configurable?.[ANSWERED] !== tuple.checkpoint.id) return tuple;
  const isAnswer = ([task, channel]: CheckpointPendingWrite) => task === NULL_TASK && channel === "__resume__";
  return { ...tuple, pendingWrites: (tuple.pendingWrites ?? []).filter((write) => !isAnswer(write)) };
}

/** A tuple whose configs name the incarnation that it was read with: LangGraph puts a copy or a fork with them and nothing else. */
export function keepIncarnation(tuple: CheckpointTuple, config: RunnableConfig): CheckpointTuple {
  const incarnation = incarnationIn(config);
  if (!incarnation) return tuple;
  for (const { configurable } of [tuple.config, tuple.parentConfig ?? {}])
    if (configurable) Object.assign(configurable, incarnationConfig(incarnation));
  return tuple;
}

const keyOf = (threadId: string): Key => ({
  pk: `tombstone#${createHash("sha256").update(threadId).digest("base64url")}`,
  sk: "tombstone",
});

export class Tombstones {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  async incarnation(threadId: string): Promise<Incarnation> {
    const tombstone = await this.table.get(keyOf(threadId));
    return { id: tombstone?.life as string | undefined, undone: (tombstone?.undone as string[] | undefined) ?? [] };
  }

  /** Begins another incarnation: from now on, all that is there is absent. */
  async bury(threadId: string): Promise<void> {
    await this.table.put({ ...keyOf(threadId), life: newIncarnationId() });
  }

  /** Remembers that a run was rolled back: from now on, its checkpoints are absent. Idempotent. */
  undo(threadId: string, runId: string): Promise<void> {
    return untilDone(async () => {
      const tombstone = await this.table.get(keyOf(threadId));
      const known = tombstone?.marks as number | undefined;
      const marked = await this.table.update(keyOf(threadId), {
        expression: "SET undone = :after, marks = :marks",
        condition: known === undefined ? "attribute_not_exists(marks)" : "marks = :known",
        names: {},
        values: {
          ":after": withUndone((tombstone?.undone as string[] | undefined) ?? [], runId),
          ":marks": (known ?? 0) + 1,
          ...(known !== undefined && { ":known": known }),
        },
      });
      return marked ? undefined : "again";
    });
  }
}

/** Incarnations of threads for the callers of one saver. */
export class Incarnations {
  private readonly tombstones: Tombstones;
  private readonly named = lruOf<Incarnation>(10_000);

  constructor(tombstones: Tombstones) {
    this.tombstones = tombstones;
  }

  async of(threadId: string, config: RunnableConfig): Promise<Incarnation> {
    return this.known(threadId, config) ?? this.tombstones.incarnation(threadId);
  }

  /** LangGraph reads the state of a subgraph with a config of its own: the thread is in the incarnation that it was last read in. */
  known(threadId: string, config: RunnableConfig): Incarnation | undefined {
    const named = incarnationIn(config);
    if (named) this.named.set(threadId, named);
    return named ?? this.named.get(threadId);
  }
}
