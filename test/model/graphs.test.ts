import { MemorySaver } from "@langchain/langgraph";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { lives, liveTwice, type Step } from "./graph-histories.ts";
import { Model } from "./life-sides.ts";
import { storageOn } from "./life-table.ts";

const plainly = { cold: true, blow: undefined };

describe.each(dynamoEngines)("a graph's life on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  it("is the same as with LangGraph's own saver, checkpoint by checkpoint", async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (steps) => {
        await liveTwice(steps, storageOn(table), (actual, expected) => expect(actual).toEqual(expected));
      }),
      { numRuns: name === "dynalite" ? sized(12, 40) : sized(3, 8), seed: 2026, endOnFailure: true },
    );
  });

  it("keeps a copy of a first checkpoint, whatever else LangGraph leaves out of its config", async () => {
    const begin: Step = { do: "resume", answer: "nobody asked", ...plainly, durability: "exit" };
    const copy: Step = { do: "update", note: null, back: 0, copy: true, cold: true };
    await liveTwice([begin, copy], storageOn(table), (actual, expected) => expect(actual).toEqual(expected));
  });

  it("goes on to the end of a node that asks twice", async () => {
    const ask: Step = {
      do: "turn",
      action: { kind: "ask-twice", length: 0 },
      ...plainly,
      back: 0,
      durability: "async",
    };
    const answer = (text: string): Step => ({ do: "resume", answer: text, ...plainly, durability: "async" });
    const outcomes: unknown[] = [];
    await liveTwice([ask, answer("a"), answer("b")], storageOn(table), (actual, expected) => {
      expect(actual).toEqual(expected);
      outcomes.push((actual as { outcome: unknown }).outcome);
    });
    expect(outcomes.at(-1)).toMatchObject({ notes: ["answered a,b"] });
  });
});

describe("a fault that is planted", () => {
  /** MemorySaver as it is: what does not come back is taken. */
  class Careless extends Model {
    override put(...args: Parameters<Model["put"]>) {
      return MemorySaver.prototype.put.apply(this, args);
    }
    override putWrites(...args: Parameters<Model["putWrites"]>) {
      return MemorySaver.prototype.putWrites.apply(this, args);
    }
  }
  class NoRollback extends Model {
    override async deleteRun() {}
  }
  class NoDeletion extends Model {
    override async deleteThread() {}
  }
  it.each([Careless, NoRollback, NoDeletion])("is seen: %o", async (Faulty) => {
    const found = await fc.check(
      fc.asyncProperty(lives, (steps) =>
        liveTwice(steps, new Faulty(), (actual, expected) => expect(actual).toEqual(expected)),
      ),
      { numRuns: 100, seed: 2026, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
