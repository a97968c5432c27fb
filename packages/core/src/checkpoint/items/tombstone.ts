/**
 * The lives of threads. A deletion ends a thread's life: heads of another life than the current one are absent, so that
 * a write that lands after the deletion is never seen. A rollback leaves the life and names a run that never was: heads of
 * that run are absent too.
 *
 * A caller that keeps the lives of its threads passes the current one in the config, as `lifeConfig` has it, and the saver
 * reads no tombstone. For other callers a deletion leaves a tombstone that names the next life. It stays for good, since
 * nothing bounds how late a write may land, and it names its thread by a hash.
 */
import { createHash } from "node:crypto";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { type Key, type Table, untilDone } from "../../dynamo/index.ts";
import { type Life, newLifeId, withUndone } from "../../life.ts";
import { lruOf } from "../lru.ts";

/** LangGraph keeps keys that begin with two underscores out of a checkpoint's metadata. */
const LIFE = "__thread_life";
/** The entry of `configurable` that names the life of a config's thread. */
export const lifeConfig = (life: Life): Record<string, unknown> => ({ [LIFE]: life });

/** The life that a config names. */
export const lifeIn = (config: RunnableConfig): Life | undefined => config.configurable?.[LIFE] as Life | undefined;

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

/** A tuple whose configs name the life that it was read with: LangGraph puts a copy or a fork with them and nothing else. */
export function keepLife(tuple: CheckpointTuple, config: RunnableConfig): CheckpointTuple {
  const life = lifeIn(config);
  if (!life) return tuple;
  for (const { configurable } of [tuple.config, tuple.parentConfig ?? {}])
    if (configurable) Object.assign(configurable, lifeConfig(life));
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

  async life(threadId: string): Promise<Life> {
    const tombstone = await this.table.get(keyOf(threadId));
    return { id: tombstone?.life as string | undefined, undone: (tombstone?.undone as string[] | undefined) ?? [] };
  }

  /** Begins another life: from now on, all that is there is absent. */
  async bury(threadId: string): Promise<void> {
    await this.table.put({ ...keyOf(threadId), life: newLifeId() });
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

/** The lives of threads for the callers of one saver. */
export class Lives {
  private readonly tombstones: Tombstones;
  private readonly named = lruOf<Life>(10_000);

  constructor(tombstones: Tombstones) {
    this.tombstones = tombstones;
  }

  async of(threadId: string, config: RunnableConfig): Promise<Life> {
    return this.known(threadId, config) ?? this.tombstones.life(threadId);
  }

  /** LangGraph reads the state of a subgraph with a config of its own: the thread is in the life that it was last read in. */
  known(threadId: string, config: RunnableConfig): Life | undefined {
    const named = lifeIn(config);
    if (named) this.named.set(threadId, named);
    return named ?? this.named.get(threadId);
  }
}
