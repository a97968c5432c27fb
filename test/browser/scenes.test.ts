/** Every state that `npm run screenshots` pictures fits its window, and axe-core finds nothing in it; each screen has all five. */
import { describe, expect, it } from "vitest";
import { HeldAgent } from "../support/service/held-agent.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { scenes } from "./scenes/index.ts";
import { states } from "./scenes/states.ts";
import { accessibility, fits } from "./site.ts";

/** The words that each state of the table has to say, by the name of its picture. */
const words = new Map(Object.values(states).flatMap((screen) => Object.values(screen)));

const windows = [
  { viewport: { width: 320, height: 640 }, further: 375, colorScheme: "dark", hasTouch: true },
  { viewport: { width: 1280, height: 800 }, further: 768, colorScheme: "light" },
] as const;

describe.skipIf(!chromiumPath).each(windows)("at $viewport.width and $further px, $colorScheme", (options) => {
  const held = new HeldAgent();
  const site = Site.use({ limits: "on" }, { graphs: { agent: held.graph } });

  it("each state of each screen is whole and accessible", async () => {
    const { stack, clock } = site;
    const { viewport, colorScheme } = options;
    const page = await site.open({ viewport, colorScheme, hasTouch: "hasTouch" in options });
    const network = await Network.of(page.context(), clock);
    const faults: Record<string, string[]> = {};
    const seen = new Set<string>();
    const take = async (name: string) => {
      seen.add(name);
      const wanted = words.get(name);
      if (wanted) expect(await page.locator("body").innerText(), name).toContain(wanted);
      const { width, height } = options.viewport;
      for (const other of [options.further, width]) {
        await page.setViewportSize({ width: other, height });
        await fits(page);
      }
      const found = await accessibility(page);
      if (found.length > 0) faults[name] = found;
    };
    for (const scene of scenes) await scene({ page, stack, clock, network, held, take });
    expect(faults).toEqual({});
    expect([...words.keys()].filter((name) => !seen.has(name))).toEqual([]);
  });
});
