/**
 * Random lives of graphs, each lived once with our saver and once with LangGraph's own, and compared checkpoint by
 * checkpoint (test/model/graph-histories.ts). Progress on stderr, one line on stdout; exit code 1 at the first difference.
 *
 *   npm --prefix bench run fuzz -- [--seeds 10000] [--first 1]
 */
import { deepStrictEqual } from "node:assert/strict";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { lives, liveTwice } from "../../test/model/graph-histories.ts";
import { storageOn } from "../../test/model/life-table.ts";
import { stubClient } from "./stub.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "10000" }, first: { type: "string", default: "1" } },
});
const [seeds, first] = [Number(values.seeds), Number(values.first)];
if (![seeds, first].every((number) => Number.isSafeInteger(number) && number > 0))
  throw new Error("--seeds and --first are whole numbers above 0");

const started = performance.now();
let compared = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const [steps = []] = fc.sample(lives, { numRuns: 1, seed });
  const client = stubClient();
  try {
    await liveTwice(steps, storageOn({ client, tableName: "stub" }), (actual, expected) => {
      deepStrictEqual(actual, expected);
      compared += (actual as { checkpoints: unknown[] }).checkpoints.length;
    });
  } catch (error) {
    console.error(`seed ${seed} differs: ${(error as Error).message}`);
    process.exit(1);
  }
  if (seed % 100 === 0) process.stderr.write(`seed ${seed}, ${Math.round((performance.now() - started) / 1000)} s\n`);
}
console.log(`${seeds} lives from seed ${first}: ${compared} checkpoints compared, no difference`);
