import { afterAll, expect, it } from "vitest";
import { closeEngines, runHistory } from "./history.ts";
import { knownBad } from "./known-bad/index.ts";

/** The number of other histories that are looked at where the one that has found a fault does not any more. */
const MORE = 1500;

afterAll(closeEngines);

const found = knownBad.flatMap(({ seed, ...one }) => (seed === undefined ? [] : [{ ...one, seed }]));

it.each(found)("finds it where $name", async ({ seed, patches, weather }) => {
  for (const one of [seed, ...Array.from({ length: MORE }, (_, n) => n + 1)])
    if ((await runHistory(one, { patches, ...(weather && { weather }) })).violations.length > 0) return;
  expect.fail(`not found in ${MORE} histories: see whether it is a fault still, and which seed finds it`);
});
