/**
 * `npm run screenshots`: every state of every screen, light and dark, at four widths, into screenshots/; those that the documents
 * show go to docs/images/. Needs Chromium.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HeldAgent } from "../support/service/held-agent.ts";
import { startTestStack } from "../support/service/stack.ts";
import { launch } from "./launch.ts";
import { Network } from "./network.ts";
import { scenes } from "./scenes/index.ts";
import { SiteClock } from "./site-clock.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const shown = {
  "home-light-1280": "home",
  "chat-light-1280": "chat",
  "race-dark-1280": "race",
  "chat-texts-dark-375": "chat-narrow",
};
const sizes = { 1280: 800, 768: 900, 375: 812, 320: 640 };

/** `npm run screenshots -- light-1280` takes these alone. */
const wanted = process.argv.slice(2);

const out = join(root, "screenshots");
mkdirSync(out, { recursive: true });
mkdirSync(join(root, "docs/images"), { recursive: true });
const browser = await launch();
for (const [width, height] of Object.entries(sizes))
  for (const colorScheme of ["light", "dark"] as const) {
    if (wanted.length > 0 && !wanted.includes(`${colorScheme}-${width}`)) continue;
    process.stderr.write(`${colorScheme}, ${width} wide\n`);
    const clock = new SiteClock();
    const held = new HeldAgent();
    const stack = await startTestStack(
      { limits: "on" },
      { now: clock.now, sweepEveryMs: false, graphs: { agent: held.graph } },
    );
    const context = await browser.newContext({
      viewport: { width: Number(width), height },
      colorScheme,
      hasTouch: Number(width) < 700,
      reducedMotion: "reduce",
    });
    await clock.hold(context);
    const network = await Network.of(context, clock);
    const page = await context.newPage();
    const take = async (name: string) => {
      // The line at the top of the page goes along when one scrolls, and would be in the middle of the picture.
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(out, `${name}-${colorScheme}-${width}.png`), fullPage: true });
    };
    for (const scene of scenes) await scene({ page, stack, clock, network, held, take });
    await context.close();
    await stack.close();
  }
await browser.close();
for (const [from, to] of Object.entries(shown))
  if (wanted.length === 0 || wanted.some((window) => from.endsWith(window)))
    copyFileSync(join(out, `${from}.png`), join(root, "docs/images", `${to}.png`));
process.exit(0);
