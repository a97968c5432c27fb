/** The expiry race: one record with one deadline in both stores, read for real, five times a second. */
import { actionButton } from "../page/button.ts";
import { h, type Screen, section } from "../page/dom.ts";
import { wait } from "../page/words.ts";
import { type InfoDescription, type RaceReading, readRace, startRace } from "../server/account.ts";
import type { Shell } from "../session/shell.ts";
import { chart } from "./chart.ts";

const LANES = [
  { key: "redis", name: "Redis", about: "a plain GET" },
  { key: "checked", name: "DynamoDB, checked", about: "GetItem, and a look at expiresAt" },
  { key: "stored", name: "DynamoDB, as it comes", about: "GetItem, and nothing else" },
] as const;
type LaneKey = (typeof LANES)[number]["key"];

const FAST_MS = 200;
const SLOW_MS = 2_000;
/** After the deadline it looks often for so long, and then now and then. */
const FAST_UNTIL_MS = 4_000;
const GIVE_UP_MS = 180_000;

export function raceScreen({ attempt }: Shell, local: InfoDescription["local"]): Screen {
  let visible = false;
  let reads: RaceReading[] = [];

  const drawn = h("div", { class: "race" });
  const said = h("p", { role: "status", "aria-live": "polite" }, "No race has begun yet.");
  const results = h("tbody", {});
  const start = actionButton("Start the race", "Racing…", () => attempt(race));
  const table = h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Measured times", hidden: true },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h("tr", {}, ...["Read", "Last found", "First not found"].map((words) => h("th", { scope: "col" }, words))),
      ),
      results,
    ),
  );

  async function race(): Promise<void> {
    said.textContent = "Writing the record to both stores…";
    try {
      const { id, deadline } = await startRace();
      reads = [];
      for (let late = 0; late < GIVE_UP_MS && visible; ) {
        reads.push(await readRace(id));
        const last = reads.at(-1) as RaceReading;
        late = last.at - deadline;
        draw(deadline);
        if (late > 0 && !last.redis && !last.checked && !last.stored) break;
        await new Promise((resolve) => setTimeout(resolve, late > FAST_UNTIL_MS ? SLOW_MS : FAST_MS));
      }
      if (!visible) said.textContent = "The race has stopped, since you have left its page.";
    } catch (error) {
      said.textContent = "The race has stopped.";
      throw error;
    }
  }

  const lastSeen = (key: LaneKey) => reads.findLast((read) => read[key])?.at;
  const firstGone = (key: LaneKey) => reads.find((read) => !read[key])?.at;

  function draw(deadline: number): void {
    const now = reads.at(-1)?.at ?? deadline;
    drawn.replaceChildren(
      chart(
        LANES.map(({ key, name }) => ({ key, name, lastSeen: lastSeen(key) })),
        deadline,
        now,
      ),
    );
    said.textContent = deadline > now ? `${wait(deadline - now)} to the deadline.` : verdict();
    table.hidden = false;
    results.replaceChildren(
      ...LANES.map(({ key, name, about }) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, name, h("br"), h("span", { class: "hint" }, about)),
          h("td", {}, ...after(lastSeen(key), deadline)),
          h("td", {}, ...after(firstGone(key), deadline)),
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

  const stores = local
    ? `Here the stores are ${local.redis} and ${local.dynamodb} on this machine; a deployment has Upstash Redis and Amazon DynamoDB.`
    : "The stores are this deployment's own: Upstash Redis and Amazon DynamoDB.";
  return {
    title: "Expiry race",
    element: section(
      "race",
      "The expiry race",
      {},
      h(
        "p",
        {},
        "The same record, with the same deadline about ten seconds from now, is written to Redis and to DynamoDB, and then read in three ways. ",
        stores,
      ),
      h("div", { class: "row" }, start.button),
      said,
      drawn,
      table,
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

function after(at: number | undefined, deadline: number): (Node | string)[] {
  if (at === undefined) return ["not yet"];
  const seconds = (at - deadline) / 1000;
  // A number and its unit stay on one line.
  const figure = h("span", { class: "figure" }, `${Math.abs(seconds).toFixed(2)} s`);
  return [figure, seconds < 0 ? " before" : " after"];
}
