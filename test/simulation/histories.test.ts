import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { isLong, sized } from "../support/runner/size.ts";
import { closeEngines, runHistory } from "./history.ts";
import { shortest, told } from "./shrink.ts";

const only = process.env.TENURE_TEST_SEED;
const count = Number(process.env.TENURE_TEST_HISTORIES ?? sized(500, 100_000));
/** Seeds that have found something beyond the first 500. */
const FOUND = [
  874, 1261, 20723, 21558, 28212, 50255, 50805, 50983, 51086, 51912, 52418, 52736, 54125, 55583, 74517, 75254, 124530,
];
const seeds = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

/** Processes that freeze again and again, and a seed that has found something there. */
const FROZEN = { weights: { freezes: 1, "freezes-after": 1 }, perThousand: 100, disruptions: 6 };
const FOUND_FROZEN = [290];

afterAll(closeEngines);

it("is the same history each time, whatever came before it", async () => {
  const traceOf = async (seed: number) => (await runHistory(seed)).trace.join("\n");
  const some = only ? [Number(only)] : seeds(10);
  const first: string[] = [];
  for (const seed of some) first.push(await traceOf(seed));
  const again: string[] = [];
  for (const seed of some.toReversed()) again.unshift(await traceOf(seed));
  expect(again).toEqual(first);
});

it("breaks no invariant, whatever is lost, late, repeated, frozen or dead", async () => {
  if (isLong && !only) return inParallel(count);
  for (const seed of only ? [Number(only)] : [...seeds(count), ...FOUND]) {
    const history = await runHistory(seed);
    const [first] = history.violations;
    if (first) expect.fail(told(await shortest(history, first.invariant)));
  }
});

it("breaks none where processes freeze again and again", async () => {
  for (const seed of [...seeds(sized(20, 200)), ...FOUND_FROZEN]) {
    const { violations } = await runHistory(seed, { weather: FROZEN });
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
});

/** Runs a process for each core, which tells its progress on stderr. */
async function inParallel(count: number): Promise<void> {
  const processes = availableParallelism();
  const each = Math.ceil(count / processes);
  const ends = seeds(processes).map((n) => simulate(each, 1 + (n - 1) * each));
  for (const { code, output } of await Promise.all(ends)) if (code !== 0) expect.fail(output);
}

function simulate(count: number, first: number): Promise<{ code: number | null; output: string }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const options = ["--seeds", String(count), "--first", String(first), "--shrink"];
  const child = spawn(process.execPath, ["--conditions=@tenure/source", "--import", "tsx", main, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (part) => {
    output += part;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
