/** A lane for each engine on a logarithmic axis: from the deadline to the last time a record was found, and to when it was gone. */
import { type LabResult, ms, type RowResult } from "./report.ts";

const [LEFT, WIDTH, LANE, TOP, BOTTOM] = [270, 620, 34, 40, 34];
const [LEAST, MOST] = [0.1, 600_000];
const TICKS: [number, string][] = [
  [0.1, "0.1 ms"],
  [1, "1 ms"],
  [10, "10 ms"],
  [100, "0.1 s"],
  [1000, "1 s"],
  [10_000, "10 s"],
  [60_000, "1 min"],
  [600_000, "10 min"],
];

const x = (value: number) =>
  LEFT + (Math.log(Math.min(MOST, Math.max(LEAST, value)) / LEAST) / Math.log(MOST / LEAST)) * WIDTH;
const escaped = (text: string) => text.replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);

function lane({ name, measured }: RowResult, n: number): string {
  if (!measured) return "";
  const y = TOP + n * LANE;
  const { plain, gone } = measured;
  const found = plain.max ?? LEAST;
  const until = gone.max ?? found;
  const bar = (to: number, name: string, height: number) =>
    `<rect class="${name}" x="${LEFT}" y="${y + 13 - height / 2}" width="${Math.max(2, x(to) - LEFT).toFixed(1)}" height="${height}" rx="2"/>`;
  const forEver = plain.max === Number.POSITIVE_INFINITY;
  const words = forEver
    ? "found for as long as one looked"
    : plain.max === null
      ? "never found late"
      : `found for ${ms(plain.max)}`;
  return [
    `<text x="${LEFT - 10}" y="${y + 17}" text-anchor="end">${escaped(name)}</text>`,
    gone.of > 0 ? bar(until, "gone", 4) : "",
    plain.max === null ? "" : bar(found, "found", 12),
    `<text class="small" x="${x(Math.max(found, gone.of > 0 ? until : found)) + 8}" y="${y + 17}">${words}</text>`,
  ].join("");
}

export function chart({ rows }: LabResult): string {
  const shown = rows.filter(({ measured }) => measured);
  const bottom = TOP + shown.length * LANE;
  const axis = TICKS.map(
    ([at, label]) =>
      `<line class="tick" x1="${x(at)}" x2="${x(at)}" y1="${TOP - 8}" y2="${bottom}"/><text class="small" x="${x(at)}" y="${bottom + 18}" text-anchor="middle">${label}</text>`,
  ).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 230} ${bottom + BOTTOM}" role="img" aria-label="How long after its deadline a record is still found, by engine">
<title>How long after its deadline a record is still found, and is still stored</title>
<style>
svg { font: 13px system-ui, sans-serif; background: #fff; }
text { fill: #1f1f1f; } .small { font-size: 11px; fill: #55585c; } .tick { stroke: #e1e4e8; }
.found { fill: #a14a00; } .gone { fill: #9aa0a6; }
@media (prefers-color-scheme: dark) {
  svg { background: #131314; } text { fill: #e3e3e3; } .small { fill: #b4b8bc; } .tick { stroke: #33363a; }
  .found { fill: #ffb77c; } .gone { fill: #6f7479; }
}
</style>
<text class="small" x="${LEFT}" y="18">the deadline, and time after it: thick, a plain read finds the record; thin, it is stored</text>
${axis}
${shown.map(lane).join("\n")}
</svg>
`;
}
