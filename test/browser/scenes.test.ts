/** Every state that `npm run screenshots` pictures fits its window, and axe-core finds nothing in it. */
import { describe, expect, it } from "vitest";
import { HeldAgent } from "../support/service/held-agent.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { scenes } from "./scenes.ts";
import { accessibility, fits } from "./site.ts";

const STATES = 41;

const windows = [
  { viewport: { width: 320, height: 640 }, colorScheme: "dark", hasTouch: true },
  { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
] as const;

describe.skipIf(!chromiumPath).each(windows)("at $viewport.width px, $colorScheme", (options) => {
  const held = new HeldAgent();
  const site = Site.use({ limits: "on" }, { graphs: { agent: held.graph } });

  it("each state of each screen is whole and accessible", async () => {
    const { stack, clock } = site;
    const page = await site.open(options);
    const network = await Network.of(page.context(), clock);
    const faults: Record<string, string[]> = {};
    const seen = new Set<string>();
    const take = async (name: string) => {
      seen.add(name);
      await fits(page);
      const found = await accessibility(page);
      if (found.length > 0) faults[name] = found;
    };
    for (const scene of scenes) await scene({ page, stack, clock, network, held, take });
    expect(faults).toEqual({});
    expect(seen.size).toBe(STATES);
  });
});
