/** Histories of many processes at once, and the checker that goes through them. `npm run bench:strict` is the long one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisEngines } from "../engines/redis.ts";
import { runRound } from "./run.ts";

describe.each(redisEngines(8))("sessions used by many processes at once on $name", ({ open }) => {
  let engine: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    engine = await open();
  });
  afterAll(() => engine.close());

  it("are never let through after their end, nor past their deadline, nor come back", {
    timeout: 120_000,
  }, async () => {
    const found = await runRound({ engine, store: "tenure", name: "strict", operations: 20_000, workers: 4 });
    expect(found.violations).toEqual([]);
    expect(found.operations).toBeGreaterThanOrEqual(20_000);
    // It went where it hurts: replies were lost, sessions expired, and ended ones were asked for.
    expect(found.unknownOutcomes).toBeGreaterThan(200);
    expect(found.refusedByTime).toBeGreaterThan(100);
    expect(found.refusedAfterEnd).toBeGreaterThan(1000);
  });

  it("are caught coming back when a store reads and then writes", { timeout: 120_000 }, async () => {
    // One round has some as a rule, but none is possible: it is chance that decides what overlaps.
    const back: string[] = [];
    for (let round = 1; round <= 10 && back.length === 0; round++) {
      const asked = {
        engine,
        store: "read-then-write",
        name: `broken-${round}`,
        operations: 1500,
        workers: 4,
      } as const;
      back.push(...(await runRound(asked)).violations.filter((one) => one.includes("after its end was seen")));
    }
    expect(back.length).toBeGreaterThan(0);
  });
});
