import { at, type Growth, slope } from "./growth.ts";
import type { Resume } from "./resume.ts";
import type { Time } from "./timing.ts";

export function growthTable(growths: Growth[]): string {
  const rows = growths.flatMap((growth) => [
    ...growth.marks.map(({ turn, writeUnits, requests, bytes }) => [
      growth.name,
      turn,
      whole(writeUnits),
      writeUnits === undefined ? "—" : (writeUnits / turn).toFixed(2),
      whole(requests),
      whole(bytes),
    ]),
    ...(growth.broke ? [[growth.name, growth.broke.turn, `broke: ${growth.broke.message}`, "", "", ""]] : []),
  ]);
  const slopes = growths.map((growth) => [
    growth.name,
    growth.marks.at(-1)?.turn ?? "—",
    decimals(slope(growth, "writeUnits"), 3),
    decimals(slope(growth, "bytes"), 3),
  ]);
  return [
    table(["saver", "turns", "write units", "a turn", "requests", "bytes"], rows),
    table(["saver", "last doubling, to turn", "slope of write units", "of bytes"], slopes),
  ].join("\n\n");
}

export function resumeTable(resumes: Resume[]): string {
  const rows = resumes.flatMap(({ turn, cold, warm, list, stateUnits }) =>
    Object.entries({ "cold resume": cold, "warm resume": warm, "cold `list(limit 10)`": list }).map(([what, spent]) => [
      what,
      turn,
      spent.roundTrips,
      spent.requests,
      spent.readUnits,
      what === "cold resume" ? `${stateUnits} (${(spent.readUnits / stateUnits).toFixed(2)})` : "",
    ]),
  );
  return table(
    ["reads", "turns", "round trips", "requests", "read units", "of the state, deflated (read units to it)"],
    rows,
  );
}

export function timesTable(times: Time[]): string {
  return table(
    ["turns", "ours, ms a turn", "MemorySaver, ms a turn", "median of the blocks' ratios", "lowest", "highest"],
    times.map(({ turns, ours, memory, ratio, lowest, highest }) => [
      turns.join("–"),
      ...[ours, memory, ratio, lowest, highest].map((number) => number.toFixed(2)),
    ]),
  );
}

export function shapesTable(shapes: Growth[]): string {
  return table(
    ["shape", "turns", "write units", "a turn", "of the last doubling, a turn", "slope", "bytes"],
    shapes.map((shape) => {
      const last = shape.marks.at(-1);
      const half = at(shape, (last?.turn ?? 0) / 2);
      const [units = NaN, turns = NaN] = [last?.writeUnits, last?.turn];
      const late = (units - (half?.writeUnits ?? NaN)) / (turns / 2);
      const exponent = decimals(slope(shape, "writeUnits"), 3);
      return [shape.name, turns, units, (units / turns).toFixed(2), late.toFixed(2), exponent, whole(last?.bytes)];
    }),
  );
}

export function targetsTable({ growths, resumes, times }: { growths: Growth[]; resumes: Resume[]; times: Time[] }) {
  const [async, exit] = growths;
  const resume = resumes.find(({ turn }) => turn === 400);
  const worst = times.length > 0 ? Math.max(...times.map(({ ratio }) => ratio)) : undefined;
  const targets: [what: string, limit: number, measured: number | undefined][] = [
    ["write units after 400 turns, async", 3080, async && at(async, 400)?.writeUnits],
    ["write units after 400 turns, exit", 1000, exit && at(exit, 400)?.writeUnits],
    ["slope of the last doubling, async", 1.03, async && slope(async, "writeUnits")],
    ["cold resume at 400 turns: round trips", 2, resume?.cold.roundTrips],
    [
      "cold resume at 400 turns: read units to those of the state",
      1.3,
      resume && resume.cold.readUnits / resume.stateUnits,
    ],
    ["warm resume at 400 turns: round trips", 1, resume?.warm.roundTrips],
    ["`list(limit 10)` at 400 turns: requests", 4, resume?.list.requests],
    ["time per turn to MemorySaver's, the worst", 1.3, worst],
  ];
  return table(
    ["target", "at most", "measured", ""],
    targets.map(([what, limit, measured]) => {
      const shown = measured === undefined ? "—" : Number(measured.toFixed(3));
      return [what, limit, shown, measured === undefined ? "not measured" : measured <= limit ? "met" : "missed"];
    }),
  );
}

const whole = (number: number | undefined) => (number === undefined ? "—" : Math.round(number));
const decimals = (number: number | undefined, digits: number) => number?.toFixed(digits) ?? "—";

function table(head: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
