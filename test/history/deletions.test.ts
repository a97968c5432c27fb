/**
 * Random schedules of two processes, with deletions of threads and accounts among them. Once a deletion has returned, no read
 * finds anything of it, no node executes, no session works; and at last nothing is left in either store.
 *
 * A failure names its seed: `TENURE_TEST_SEED=<seed>` plays that schedule alone, and shows its steps should it fail.
 */
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { sized } from "../support/runner/size.ts";
import { faults } from "./deletion/faults.ts";
import { runSchedule } from "./deletion/schedule.ts";

vi.mock("../../packages/functions/src/agent/deletion.ts", { spy: true });

/** A thousand, and more, are asked for by number: they take a quarter of an hour. */
const SCHEDULES = Number(process.env.TENURE_TEST_SCHEDULES ?? sized(15, 40));
/** A fault is found within so many schedules from its first one on. */
const FAULT_SCHEDULES = 60;
/** A test of more would take longer than a test may. */
const TOGETHER = 50;
const only = Number(process.env.TENURE_TEST_SEED ?? 0);
const rounds = only > 0 ? [only] : Array.from({ length: Math.ceil(SCHEDULES / TOGETHER) }, (_, n) => n * TOGETHER + 1);

let dynamo: Awaited<ReturnType<typeof startLocalDynamo>>;
beforeAll(async () => {
  dynamo = await startLocalDynamo({ sweepEveryMs: false });
});
afterAll(() => dynamo.close());
afterEach(() => {
  vi.resetAllMocks();
  vi.restoreAllMocks();
});

it.each(rounds)("what was deleted is not seen again, and nothing is left: schedules from %i on", async (first) => {
  const end = only > 0 ? only : Math.min(SCHEDULES, first + TOGETHER - 1);
  for (let seed = first; seed <= end; seed++) {
    const { violations, trace } = await runSchedule({ endpoint: dynamo.url, seed });
    expect([seed, violations, only > 0 && violations.length > 0 ? trace : []]).toEqual([seed, [], []]);
  }
});

describe("it is caught when", () => {
  it.for(faults)("$name", async ({ name, seed: first, replace, breaks }, { annotate }) => {
    breaks?.();
    for (let seed = first; seed < first + FAULT_SCHEDULES; seed++) {
      const violations = await runSchedule({ endpoint: dynamo.url, seed, ...(replace && { replace }) }).then(
        (outcome) => outcome.violations,
        // A schedule without an end is one too.
        (error: Error) => [error.message],
      );
      if (violations.length === 0) continue;
      // Minutes pass unseen where a seed finds nothing any more.
      if (seed !== first) await annotate(`deletions: "${name}" is found by seed ${seed} now, not by ${first}`);
      return;
    }
    expect.fail(`not found in ${FAULT_SCHEDULES} schedules from seed ${first} on`);
  });
});
