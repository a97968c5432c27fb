/** A script, cut short at each of its requests: what was acknowledged is there, whole, and the run goes on. */
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isLong } from "../support/runner/size.ts";
import { dyingClient } from "../support/stores/dying-client.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { stateAt, stepOf, takeStep } from "./checkpoint-script.ts";

/** Long enough for values to move from heads into segments, with a large one in between. */
const STEPS = 50;

describe.each(dynamoEngines)("a run on $name that dies", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const newSaver = (client = table.client) => new DynamoDBSaver({ client, tableName: table.tableName });

  it.each(["before", "after"] as const)("%s any request has lost nothing that was acknowledged", async (when) => {
    // Every second request where that is cheap; on the slower engine, and in the short form, fewer of them.
    const every = isLong ? (name === "dynalite" ? 2 : 13) : 23;
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
      const latest = found ? stepOf(found.checkpoint.id) : -1;
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
  });
});
