/** The table, for people. */
import type { Row } from "./engine.ts";
import type { Lateness, Measured } from "./measure.ts";

export interface RowResult extends Pick<Row, "key" | "name" | "promise" | "source" | "untested"> {
  /** Why it was not measured. */
  absent?: string;
  measured?: Measured;
}

export interface LabResult {
  at: string;
  quick: boolean;
  /** For how long after a deadline a record was watched, in milliseconds, where cleaning takes seconds and where minutes. */
  horizonMs: { short: number; long: number };
  rows: RowResult[];
}

/** Milliseconds as people read them; `horizon` says of what never ended how long it was watched. */
export function ms(value: number | null, none = "never"): string {
  if (value === null) return none;
  if (value === Number.POSITIVE_INFINITY) return "still there";
  if (value < 1) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(value < 10_000 ? 2 : 0)} s`;
}

const both = ({ p50, max }: Lateness, none?: string) => (max === null ? ms(null, none) : `${ms(p50)} / ${ms(max)}`);

const HEAD = [
  "engine",
  "found after the deadline, p50 / max",
  "with a check in the read",
  "physically gone, p50 / max",
  "many at once: found / gone, max",
  "a late touch revives",
  "checked by a clock 5 s slow",
];

export function table({ rows }: LabResult): string {
  const cells = rows.map(({ name, untested, absent, measured }) => {
    const label = untested ? `${name} (untested)` : name;
    if (!measured) return [label, `not measured: ${absent ?? "it failed"}`, "", "", "", "", ""];
    const { plain, checked, gone, crowd, revives, checkedBySlowClock } = measured;
    return [
      label,
      both(plain),
      both(checked),
      both(gone, gone.of === 0 ? "not told" : "at once"),
      `${crowd.records}: ${ms(crowd.plain.max)} / ${ms(crowd.gone.max, crowd.gone.of === 0 ? "not told" : "at once")}`,
      revives ? "yes" : "no",
      checkedBySlowClock.max === null ? "never" : `for ${ms(checkedBySlowClock.max)}`,
    ];
  });
  return [HEAD, HEAD.map(() => "---"), ...cells].map((line) => `| ${line.join(" | ")} |`).join("\n");
}
