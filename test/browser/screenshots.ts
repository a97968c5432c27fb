/**
 * `npm run screenshots`: every screen, light and dark, wide and narrow, into screenshots/; the four that the documents show go
 * to docs/images/. Needs Chromium.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { launch } from "./launch.ts";
import { codeOf, go, homeShowsLogin, say } from "./site.ts";
import { SiteClock } from "./site-clock.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const shown = {
  "home-light-1280": "home",
  "chat-light-1280": "chat",
  "race-dark-1280": "race",
  "chat-dark-375": "chat-narrow",
};
const sizes = { 1280: 800, 375: 812 };
const EMAIL = "ada@example.com";

async function shoot(
  stack: TestStack,
  clock: SiteClock,
  page: Page,
  take: (name: string) => Promise<unknown>,
): Promise<void> {
  await page.goto(stack.url);
  await page.getByLabel("E-mail").waitFor();
  await take("login");
  await page.getByLabel("E-mail").fill(EMAIL);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByText(/It works for another/).waitFor();
  await page.getByLabel("The six-digit code").fill("12345");
  await take("code");
  const right = await codeOf(stack, EMAIL);
  await page.getByLabel("The six-digit code").fill(right === "999999" ? "999998" : "999999");
  await page.getByText("That is not the code.").waitFor();
  await take("code-wrong");
  // So that the login is the later one in the activity.
  await clock.moveBy(1_000);
  await page.getByLabel("The six-digit code").fill(right);
  await homeShowsLogin(page);
  await take("home");
  await go(page, "Chat");
  await page.getByText("Nothing was said yet.").waitFor();
  await take("chat-empty");
  await say(page, "What is 6 * 7?");
  await page.getByText("42. I am").waitFor();
  await page
    .getByRole("button", { name: /Checkpoint/ })
    .first()
    .waitFor();
  await say(page, "remember: buy milk");
  await page.getByText("May I call save_note?").waitFor();
  await page.getByRole("button", { name: /Checkpoint 7/ }).waitFor();
  await take("chat");
  await go(page, "Expiry race");
  await page.getByRole("button", { name: "Start the race" }).click();
  await page.getByText("11 seconds to the deadline.").waitFor();
  const deadline = Math.ceil((clock.now() + 10_000) / 1000) * 1000;
  // The last read before the deadline, the first after it, and one some seconds on: one sees how the item lingers.
  for (const [ms, seen] of [
    [-60, "1 second to the deadline."],
    [140, "DynamoDB still has the item"],
    [7_140, "7.14 s after"],
  ] as const) {
    await clock.moveTo(deadline + ms);
    await page.getByText(seen).waitFor();
  }
  await take("race");
}

const out = join(root, "screenshots");
mkdirSync(out, { recursive: true });
mkdirSync(join(root, "docs/images"), { recursive: true });
const browser = await launch();
for (const [width, height] of Object.entries(sizes))
  for (const colorScheme of ["light", "dark"] as const) {
    process.stderr.write(`${colorScheme}, ${width} wide\n`);
    const clock = new SiteClock();
    const stack = await startTestStack({}, { now: clock.now, sweepEveryMs: false });
    const context = await browser.newContext({ viewport: { width: Number(width), height }, colorScheme });
    await clock.hold(context);
    const page = await context.newPage();
    await shoot(stack, clock, page, (name) =>
      page.screenshot({ path: join(out, `${name}-${colorScheme}-${width}.png`), fullPage: true }),
    );
    await context.close();
    await stack.close();
  }
await browser.close();
for (const [from, to] of Object.entries(shown))
  copyFileSync(join(out, `${from}.png`), join(root, "docs/images", `${to}.png`));
process.exit(0);
