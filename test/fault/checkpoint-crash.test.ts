/** One script, cut short at each of its requests: what was acknowledged is there, whole, and the run goes on. */
import type { Checkpoint, CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dyingClient } from "../engines/dying-client.ts";
import { dynamoEngines, type TestTable } from "../engines/dynamo.ts";

/** Long enough for values to move from heads into segments, with a large one in between. */
const STEPS = 50;
const metadata: CheckpointMetadata = { source: "loop", step: 0, parents: {} };
const idOf = (step: number) => `1f0c${String(step).padStart(4, "0")}-0000-6000-8000-000000000000`;
const stateAt = (step: number) => ({
  messages: Array.from({ length: step + 1 }, (_, i) => ({ id: `m${i}`, content: `${i} `.repeat(60) })),
  ...(step >= 20 && { document: Array.from({ length: 3000 }, (_, i) => (i * step) % 97).join() }),
});

async function takeStep(saver: DynamoDBSaver, thread_id: string, step: number): Promise<void> {
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

describe.each(dynamoEngines)("a run on $name that dies", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const newSaver = (client = table.client) => new DynamoDBSaver({ client, tableName: table.tableName });

  it.each(["before", "after"] as const)(
    "%s any request has lost nothing that was acknowledged",
    { timeout: 180_000 },
    async (when) => {
      // Every request where it is cheap; on the slower engine those where something else than a head is written.
      const every = name === "dynalite" ? 1 : 7;
      let finished = false;
      for (let diesAt = 1; !finished; diesAt += every) {
        const thread_id = `crash-${when}-${diesAt}`;
        const dying = newSaver(dyingClient(table.client, diesAt, when));
        let acknowledged = -1;
        try {
          for (let step = 0; step < STEPS; step++) {
            await takeStep(dying, thread_id, step);
            acknowledged = step;
          }
          finished = true;
        } catch (error) {
          expect(error).toMatchObject({ reason: { tag: "store-unavailable" } });
        }
        const found = await newSaver().getTuple({ configurable: { thread_id } });
        const latest = found ? Number(found.checkpoint.id.slice(4, 8)) : -1;
        expect([acknowledged, acknowledged + 1]).toContain(latest);
        if (found) expect(found.checkpoint.channel_values).toEqual(stateAt(latest));
        if (latest === acknowledged && found) expect(found.pendingWrites).toEqual([["task", "messages", latest]]);
        // Goes on from what is there.
        const next = newSaver();
        for (let step = latest + 1; step < Math.min(STEPS, latest + 4); step++) await takeStep(next, thread_id, step);
        const last = Math.min(STEPS, latest + 4) - 1;
        const end = await newSaver().getTuple({ configurable: { thread_id } });
        expect(end?.checkpoint.channel_values).toEqual(stateAt(last));
      }
    },
  );
});
