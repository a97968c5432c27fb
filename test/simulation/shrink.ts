/** Makes a failing history shorter: leaves out faults and operations while the same invariant still breaks. */
import { type History, type Options, runHistory } from "./history.ts";
import { ENVIRONMENT } from "./workload/plan.ts";

/** The number of histories that are tried at most. */
const TRIES = 200;

export interface Shortest {
  invariant: string;
  history: History;
  /** The names of what was left out: faults, operations and parts of the environment. */
  without: Set<string>;
}

const breaks = (history: History, invariant: string) => history.violations.some((one) => one.invariant === invariant);

export async function shortest(
  failing: History,
  invariant: string,
  options: Omit<Options, "without"> = {},
): Promise<Shortest> {
  let found: Shortest = { invariant, history: failing, without: new Set() };
  let tries = 0;
  const attempt = async (names: string[]): Promise<boolean> => {
    if (names.length === 0 || tries++ >= TRIES) return false;
    const without = new Set([...found.without, ...names]);
    const history = await runHistory(failing.seed, { ...options, without });
    if (!breaks(history, invariant)) return false;
    found = { invariant, history, without };
    return true;
  };
  for (let before = -1; before !== found.without.size && tries < TRIES; ) {
    before = found.without.size;
    for (const all of [() => found.history.operations.toReversed(), () => found.history.met, () => ENVIRONMENT])
      await leaveOut(() => all().filter((name) => !found.without.has(name)), attempt);
  }
  return found;
}

/** Tries to leave out halves, then quarters, down to each by itself. */
async function leaveOut(names: () => string[], attempt: (names: string[]) => Promise<boolean>): Promise<void> {
  for (let size = Math.ceil(names().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < names().length; ) {
      const chunk = names().slice(from, from + size);
      if (!(await attempt(chunk))) from += size;
    }
}

const [MAX_LINES, MAX_AFTER] = [300, 40];

/** The steps up to the end of all faults, and a few after that; without reads where there are too many. */
function schedule(trace: string[]): string[] {
  const end = trace.findIndex((line) => line.endsWith("all faults end"));
  const own = trace.slice(0, end).filter((line) => !/ (fresh|users): /.test(line));
  const isRead = (line: string) => / (dynamo (Get|Query)|redis read) /.test(line) && !line.includes(" ! ");
  const shown = own.length > MAX_LINES ? own.filter((line) => !isRead(line)) : own;
  const after = trace.slice(end).filter((line) => !/ (fresh|users): /.test(line));
  return [...shown.slice(-MAX_LINES), ...after.slice(0, MAX_AFTER)];
}

/** A failing history for people: what is wrong, by which faults, the steps to it, and the command that replays it. */
export function told({ invariant, history, without }: Shortest): string {
  const { seed, violations, met, operations, trace } = history;
  const left = (names: string[]) => names.filter((name) => !without.has(name)).join("\n    ") || "none";
  return [
    `seed ${seed} breaks ${invariant}:`,
    ...violations.map((one) => `  ${one.invariant}: ${one.detail}`),
    `  operations: ${operations.filter((name) => !without.has(name)).join(" ")}`,
    `  faults:\n    ${left(met)}`,
    "  the shortest schedule that was found:",
    ...schedule(trace),
    `  replay: TENURE_TEST_SEED=${seed} npx vitest run test/simulation/histories.test.ts`,
  ].join("\n");
}
