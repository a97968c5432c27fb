import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../engines/dynamo.ts";
import { sized } from "../support/size.ts";
import { lives, liveTwice } from "./graph-histories.ts";

describe.each(dynamoEngines)("a graph's life on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  it("is the same as with LangGraph's own saver, checkpoint by checkpoint", async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (steps) => {
        await new DynamoDBSaver({ ...table }).deleteThread("life");
        const newSaver = () => new DynamoDBSaver({ ...table, cacheBytes: 300_000 }) as unknown as BaseCheckpointSaver;
        await liveTwice(steps, newSaver, (actual, expected) => expect(actual).toEqual(expected));
      }),
      { numRuns: name === "dynalite" ? sized(12, 100) : sized(3, 20), seed: 2026, endOnFailure: true },
    );
  });
});
