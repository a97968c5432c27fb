/** The checkpointer in question, as several processes that keep the lives of their threads use it. */
import { randomUUID } from "node:crypto";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { DynamoDBSaver, type DynamoDBSaverOptions, incarnationConfig } from "@tenure/core/checkpoint";
import type { Storage } from "./life-sides.ts";

export function storageOn(table: Pick<DynamoDBSaverOptions, "client" | "tableName">): Storage {
  const lives = new Map<string, { id: string; undone: string[] }>();
  const incarnationOf = (thread: string) => {
    const life = lives.get(thread) ?? { id: randomUUID(), undone: [] };
    lives.set(thread, life);
    return life;
  };
  const newSaver = () =>
    new DynamoDBSaver({
      ...table,
      cacheBytes: 300_000,
      metadataOf: ({ configurable }) => ({ run_id: configurable?.run_id as unknown }),
    });
  return {
    newSaver: () => newSaver() as unknown as BaseCheckpointSaver,
    configurable: (thread) => incarnationConfig(incarnationOf(thread)),
    async deleteThread(thread) {
      lives.delete(thread);
      await newSaver().eraseThread(thread);
    },
    async deleteRun(thread, runId) {
      const { id, undone } = incarnationOf(thread);
      lives.set(thread, { id, undone: [...undone, runId] });
      await newSaver().eraseRun(thread, runId);
    },
  };
}
