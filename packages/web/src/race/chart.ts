/** The race's chart: a lane for each way of reading, as wide as the window, with letters of one size however wide that is. */
import { svg } from "../page/dom.ts";

export interface Lane {
  name: string;
  /** The lane's class: its colour. */
  key: string;
  /** Epoch milliseconds; undefined when it never found the record. */
  lastSeen: number | undefined;
}

const BEFORE_MS = 10_000;
const AFTER_MS = 20_000;
/** Pixels. */
const LANE = 44;
const [NAME_AT, BAR_AT, BAR] = [16, 22, 14];

/** Places are per cent of the width: nothing is scaled, so that letters stay readable on a narrow screen. */
export function chart(lanes: Lane[], deadline: number, now: number): SVGElement {
  const share = (at: number) => ((at - deadline + BEFORE_MS) / (BEFORE_MS + AFTER_MS)) * 100;
  const x = (at: number) => `${Math.max(0, Math.min(100, share(at)))}%`;
  const height = LANE * lanes.length;
  const line = (at: number, name: string) => svg("line", { class: name, x1: x(at), x2: x(at), y1: 0, y2: height });
  return svg(
    "svg",
    {
      width: "100%",
      height: height + 22,
      role: "img",
      "aria-label": "Until when each way of reading found the record",
    },
    ...lanes.map(({ key, lastSeen }, n) =>
      svg("rect", {
        ...{ class: `lane ${key}`, x: 0, y: n * LANE + BAR_AT, height: BAR, rx: 3 },
        width: x(lastSeen ?? deadline - BEFORE_MS),
      }),
    ),
    line(deadline, "deadline"),
    line(now, "now"),
    ...lanes.map(({ name }, n) => svg("text", { x: 0, y: n * LANE + NAME_AT }, name)),
    svg("text", { x: x(deadline), y: height + 16, "text-anchor": "middle" }, "deadline"),
  );
}
