import { afterAll, expect, it } from "vitest";
import { sized } from "../support/size.ts";
import { closeEngines, runHistory } from "./history.ts";
import { shortest, told } from "./shrink.ts";

const only = process.env.TENURE_TEST_SEED;
const seeds = only ? [Number(only)] : Array.from({ length: sized(400, 5000) }, (_, n) => n + 1);

afterAll(closeEngines);

it("is the same history each time, whatever came before it", async () => {
  const traceOf = async (seed: number) => (await runHistory(seed)).trace.join("\n");
  const some = only ? seeds : seeds.slice(0, 10);
  const first: string[] = [];
  for (const seed of some) first.push(await traceOf(seed));
  const again: string[] = [];
  for (const seed of some.toReversed()) again.unshift(await traceOf(seed));
  expect(again).toEqual(first);
});

it("breaks no invariant, whatever is lost, late, repeated, frozen or dead", async () => {
  for (const seed of seeds) {
    const history = await runHistory(seed);
    const [first] = history.violations;
    if (first) expect.fail(told(await shortest(history, first.invariant)));
  }
});
