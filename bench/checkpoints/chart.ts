/** Write units over turns, both axes logarithmic, as an SVG that is read on a light and on a dark page. */
import type { Growth } from "./growth.ts";

const [WIDTH, HEIGHT] = [760, 420];
const FRAME = { left: 64, right: 250, top: 24, bottom: 48 };
const COLORS = ["a", "b", "c", "d"];

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; }
  .a { stroke: #0969da; } .b { stroke: #1a7f37; } .c { stroke: #bc4c00; } .d { stroke: #8250df; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    .a { stroke: #58a6ff; } .b { stroke: #3fb950; } .c { stroke: #f0883e; } .d { stroke: #bc8cff; }
  }`;

interface Point {
  x: number;
  y: number;
}

/** Savers that have no write units are left out. */
export function chart(growths: Growth[]): string {
  const lines = growths
    .map(({ name, marks, broke }) => ({
      label: broke ? `${name}, broke at ${broke.turn}` : name,
      points: marks.flatMap(({ turn, writeUnits }) => (writeUnits ? [{ x: turn, y: writeUnits }] : [])),
    }))
    .filter(({ points }) => points.length > 0);
  const all = lines.flatMap(({ points }) => points);
  const xs = extent(all.map(({ x }) => x));
  const ys = extent(all.map(({ y }) => y));
  const x = scale(xs, [FRAME.left, WIDTH - FRAME.right]);
  const y = scale(ys, [HEIGHT - FRAME.bottom, FRAME.top]);
  const xTicks = [...new Set(all.map((point) => point.x))];
  const yTicks = Array.from({ length: 12 }, (_, power) => 10 ** power).filter((tick) => tick >= ys[0] && tick <= ys[1]);
  const parts = [
    ...xTicks.map((tick) => grid({ x: x(tick), y: FRAME.top }, { x: x(tick), y: HEIGHT - FRAME.bottom })),
    ...yTicks.map((tick) => grid({ x: FRAME.left, y: y(tick) }, { x: WIDTH - FRAME.right, y: y(tick) })),
    ...xTicks.map((tick) => text({ x: x(tick), y: HEIGHT - FRAME.bottom + 18 }, String(tick), "middle")),
    ...yTicks.map((tick) => text({ x: FRAME.left - 8, y: y(tick) + 4 }, tick.toLocaleString("en"), "end")),
    text({ x: FRAME.left, y: 14 }, "write units, cumulative"),
    text({ x: WIDTH - FRAME.right, y: HEIGHT - 10 }, "turns", "end"),
    ...lines.map(({ points }, i) => {
      const path = points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(" ");
      return `<polyline class="line ${COLORS[i % COLORS.length]}" points="${path}"/>`;
    }),
    ...lines.map(({ label, points }) => {
      const last = points.at(-1) ?? { x: xs[1], y: ys[1] };
      return text({ x: x(last.x) + 8, y: y(last.y) + 4 }, label);
    }),
  ];
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"`;
  return `${head} aria-label="Write units over turns">\n<style>${STYLE}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}

const extent = (numbers: number[]): [number, number] => [Math.min(...numbers), Math.max(...numbers)];

const scale = ([low, high]: [number, number], [from, to]: [number, number]) => {
  return (value: number) => from + ((to - from) * Math.log(value / low)) / Math.log(high / low || 2);
};

const grid = (a: Point, b: Point) =>
  `<line class="grid" x1="${a.x.toFixed(1)}" y1="${a.y.toFixed(1)}" x2="${b.x.toFixed(1)}" y2="${b.y.toFixed(1)}"/>`;

const text = ({ x, y }: Point, content: string, anchor = "start") =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</text>`;
