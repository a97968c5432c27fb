/** The expiry race: one record with one deadline in both stores, read for real, five times a second. */
import * as api from "./api.ts";
import { h, type Screen, svg } from "./dom.ts";
import { duration } from "./words.ts";

const LANES = [
  { key: "redis", name: "Redis", about: "a plain GET" },
  { key: "checked", name: "DynamoDB, checked", about: "GetItem, and a look at expiresAt" },
  { key: "stored", name: "DynamoDB, as it comes", about: "GetItem, and nothing else" },
] as const;
type LaneKey = (typeof LANES)[number]["key"];

const BEFORE_MS = 10_000;
const AFTER_MS = 20_000;
const FAST_MS = 200;
const SLOW_MS = 2_000;
/** After the deadline it looks often for so long, and then now and then. */
const FAST_UNTIL_MS = 4_000;
const GIVE_UP_MS = 180_000;
const [WIDTH, LANE] = [600, 40];

export function raceScreen(guarded: (action: () => Promise<void>) => Promise<void>): Screen {
  let running = false;
  let visible = false;
  let reads: api.RaceReading[] = [];

  const chart = h("div", { class: "race" });
  const said = h("p", { role: "status", "aria-live": "polite" });
  const results = h("tbody", {});
  const start = h("button", { type: "button", click: () => void guarded(race) }, "Start the race");

  async function race(): Promise<void> {
    if (running) return;
    running = true;
    start.disabled = true;
    try {
      const { id, deadline } = await api.startRace();
      reads = [];
      for (let late = 0; late < GIVE_UP_MS && visible; ) {
        reads.push(await api.readRace(id));
        const last = reads.at(-1) as api.RaceReading;
        late = last.at - deadline;
        draw(deadline);
        if (late > 0 && !last.redis && !last.checked && !last.stored) break;
        await new Promise((resolve) => setTimeout(resolve, late > FAST_UNTIL_MS ? SLOW_MS : FAST_MS));
      }
    } finally {
      running = false;
      start.disabled = false;
    }
  }

  const lastSeen = (key: LaneKey) => reads.findLast((read) => read[key])?.at;
  const firstGone = (key: LaneKey) => reads.find((read) => !read[key])?.at;

  function draw(deadline: number): void {
    const now = reads.at(-1)?.at ?? deadline - BEFORE_MS;
    const x = (at: number) =>
      Math.max(0, Math.min(WIDTH, ((at - deadline + BEFORE_MS) / (BEFORE_MS + AFTER_MS)) * WIDTH));
    const height = LANE * LANES.length;
    const lanes = LANES.flatMap(({ key, name }, n) => [
      svg("rect", { class: `lane ${key}`, x: 0, y: n * LANE + 18, width: x(lastSeen(key) ?? 0), height: 14, rx: 3 }),
      svg("text", { x: 4, y: n * LANE + 13 }, name),
    ]);
    const line = (at: number, name: string) => svg("line", { class: name, x1: x(at), x2: x(at), y1: 0, y2: height });
    chart.replaceChildren(
      svg(
        "svg",
        {
          viewBox: `0 0 ${WIDTH} ${height + 18}`,
          role: "img",
          "aria-label": "Until when each way of reading found the record",
        },
        ...lanes,
        line(deadline, "deadline"),
        line(now, "now"),
        svg("text", { x: x(deadline) + 4, y: height + 14 }, "deadline"),
      ),
    );
    const left = deadline - now;
    said.textContent = left > 0 ? `${duration(left + 999)} to the deadline.` : verdict();
    results.replaceChildren(
      ...LANES.map(({ key, name, about }) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, name, h("br"), h("span", { class: "hint" }, about)),
          h("td", {}, after(lastSeen(key), deadline)),
          h("td", {}, after(firstGone(key), deadline)),
        ),
      ),
    );
  }

  function verdict(): string {
    const last = reads.at(-1);
    if (!last?.redis && !last?.checked && last?.stored)
      return "Past the deadline, Redis has nothing and the checked read refuses. DynamoDB still has the item: its TTL is a cleaner, not a clock.";
    if (last && !last.stored) return "The sweeper has taken the item too.";
    return "At the deadline.";
  }

  return {
    title: "Expiry race",
    element: h(
      "section",
      { "aria-labelledby": "race-title" },
      h("h1", { id: "race-title", tabindex: -1 }, "The expiry race"),
      h(
        "p",
        {},
        "The same record, with the same deadline ten seconds from now, is written to Redis and to DynamoDB, and then read in three ways. These are real reads of the real stores.",
      ),
      h("div", { class: "row" }, start),
      said,
      chart,
      h(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Measured times" },
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", { scope: "col" }, "Read"),
              h("th", { scope: "col" }, "Last found"),
              h("th", { scope: "col" }, "First not found"),
            ),
          ),
          results,
        ),
      ),
      h(
        "p",
        { class: "hint" },
        "Times are the server's, to the deadline, at five reads a second. Why it is so: docs/ttl.md of the project.",
      ),
    ),
    show() {
      visible = true;
    },
    hide() {
      visible = false;
    },
  };
}

function after(at: number | undefined, deadline: number): string {
  if (at === undefined) return "not yet";
  const seconds = (at - deadline) / 1000;
  return `${Math.abs(seconds).toFixed(2)} s ${seconds < 0 ? "before" : "after"}`;
}
