/**
 * Many histories of simulated processes: `npm run simulate -- --seeds 1000 --first 1`. Prints each seed that breaks an invariant, and
 * at the end how many did, by invariant, and the speed; progress on stderr. Exits with 1 when there is one. One core; for more, run
 * several with other first seeds.
 */
import { parseArgs } from "node:util";
import { runHistory } from "./history.ts";
import { knownBad } from "./known-bad/index.ts";
import type { KnownBad } from "./known-bad/wrap.ts";
import { shortest, told } from "./shrink.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    first: { type: "string", default: "1" },
    // Parts of the environment that all of them do without, such as `skews,jumps`.
    without: { type: "string", default: "" },
    // Puts known faults back, and prints how many histories it takes to find each.
    "known-bad": { type: "boolean", default: false },
    // Prints the shortest schedule of the first seed that breaks each invariant.
    shrink: { type: "boolean", default: false },
  },
});
const [count, first] = [Number(values.seeds), Number(values.first)];
const without = new Set(values.without.split(",").filter(Boolean));
const EVERY = 1000;

if (values["known-bad"]) {
  for (const bad of knownBad) console.log(`| ${bad.name} | ${await foundAfter(bad)} |`);
  process.exit(0);
}

/** The number of histories, and the invariants that the last one broke. */
async function foundAfter({ patches, weather }: KnownBad): Promise<string> {
  for (let n = 0; n < count; n++) {
    const { violations } = await runHistory(first + n, { patches, ...(weather && { weather }) });
    if (violations.length > 0)
      return `${n + 1} | ${[...new Set(violations.map(({ invariant }) => invariant))].join(", ")}`;
  }
  return `not in ${count} |`;
}

const broken = new Map<string, number[]>();
const began = performance.now();
for (let n = 0; n < count; n++) {
  const history = await runHistory(first + n, { without });
  for (const { invariant, detail } of history.violations) {
    const seeds = broken.get(invariant) ?? [];
    broken.set(invariant, [...seeds, history.seed]);
    console.log(`seed ${history.seed}: ${invariant}: ${detail.slice(0, 200)}`);
    if (values.shrink && seeds.length === 0) console.log(told(await shortest(history, invariant)));
  }
  if ((n + 1) % EVERY === 0)
    console.error(`${n + 1} histories from seed ${first} in ${Math.round((performance.now() - began) / 1000)} s`);
}
for (const [invariant, seeds] of broken)
  console.log(`${invariant}: ${seeds.length} histories, the first of seed ${seeds[0]}`);
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage();
const cpuMs = ((user + system) / 1000 / count).toFixed(0);
console.log(
  `${count} histories from seed ${first}: ${(count / seconds).toFixed(1)} a second, ${cpuMs} ms of one core each`,
);
process.exit(broken.size > 0 ? 1 : 0);
