/**
 * Lifetimes of threads against an oracle: random threads, turns, forks, changes by hand, updates of lifetimes, prunes, and sweeps that are cut short,
 * by three processes with memories of their own. After each step every process is asked: a thread is there exactly until its deadline, or has its
 * latest state alone from then on; and what was seen before is not seen again, by its id, in a list, in a graph within, or in a history of writes.
 */
import { describe, expect, it } from "vitest";
import { some } from "../support/runner/size.ts";
import type { Fault } from "./thread-deletions.ts";
import { Life } from "./thread-lives.ts";

const STEPS = 40;

describe("lifetimes of threads", () => {
  const [count, block] = [10_000, 50];
  it.each(some(Array.from({ length: count / block }, (_, n) => n * block + 1)))(
    "are the oracle's in histories from %i on",
    async (first) => {
      for (let seed = first; seed < first + block; seed++)
        try {
          const life = new Life(seed);
          await life.live(STEPS);
          await life.end();
        } catch (error) {
          throw new Error(`history ${seed}: ${(error as Error).message}`, { cause: error });
        }
    },
  );

  it.each<[string, Fault]>([
    ["a reader that leaves expiry to the sweep and to DynamoDB", { readerClock: { now: () => Date.UTC(2027, 0, 1) } }],
    ["a reader that leaves keep_latest to the sweep", { ignoresFloors: true }],
    ["a sweep that deletes what the latest state refers to", { isGreedy: true }],
    ["a deletion after which nobody looks for late writes", { forgetsLate: true }],
  ])("are not those of %s", async (_what, fault) => {
    const isCaught = async (seed: number) => {
      const life = new Life(seed, fault);
      return life
        .live(STEPS)
        .then(() => life.end())
        .then(
          () => false,
          () => true,
        );
    };
    let caught = 0;
    for (let seed = 1; seed <= 20 && caught === 0; seed++) if (await isCaught(seed)) caught = seed;
    expect(caught).toBeGreaterThan(0);
  });
});
