/** A run whose every state is known beforehand: what a thread holds after any number of steps can be told from that. */
import type { Checkpoint, CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import type { DynamoDBSaver } from "@tenure/core/checkpoint";

const metadata: CheckpointMetadata = { source: "loop", step: 0, parents: {} };
const idOf = (step: number) => `1f0c${String(step).padStart(4, "0")}-0000-6000-8000-000000000000`;
export const stepOf = (id: string): number => Number(id.slice(4, 8));

export const stateAt = (step: number) => ({
  messages: Array.from({ length: step + 1 }, (_, i) => ({ id: `m${i}`, content: `${i} `.repeat(60) })),
  ...(step >= 20 && { document: Array.from({ length: 3000 }, (_, i) => (i * step) % 97).join() }),
});

export async function takeStep(saver: DynamoDBSaver, thread_id: string, step: number): Promise<void> {
  const parent = step > 0 ? { checkpoint_id: idOf(step - 1) } : {};
  const values = stateAt(step);
  const versions = Object.fromEntries(Object.keys(values).map((name) => [name, step + 1]));
  const checkpoint: Checkpoint = {
    ...{ v: 4, id: idOf(step), ts: "2026-01-01T00:00:00.000Z", versions_seen: {} },
    channel_values: values,
    channel_versions: versions,
  };
  const config = await saver.put(
    { configurable: { thread_id, checkpoint_ns: "", ...parent } },
    checkpoint,
    metadata,
    versions,
  );
  await saver.putWrites(config, [["messages", step]], "task", "path");
}
