/** Every screen by keyboard alone, at every width, light and dark, without motion, and with text from right to left. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { HeldAgent } from "../support/service/held-agent.ts";
import { parrot } from "../support/service/parrot.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import {
  accessibility,
  codeOf,
  enterChat,
  fits,
  homeIsDrawn,
  logIn,
  messageField,
  notice,
  openChat,
  say,
} from "./site.ts";

const WIDTHS = [320, 375, 768, 1280];
const SCHEMES = ["light", "dark"] as const;

/** Looks at the page as it is, in every window. */
async function looksRight(page: Page): Promise<void> {
  for (const [n, width] of WIDTHS.entries())
    for (const [m, colorScheme] of SCHEMES.entries()) {
      await page.setViewportSize({ width, height: 700 });
      await page.emulateMedia({ colorScheme, reducedMotion: colorScheme === "dark" ? "reduce" : "no-preference" });
      await fits(page);
      // Each scheme, at one width: axe looks at the page's tree more than at its width. The states of scenes are looked at there.
      if (n === m) expect(await accessibility(page)).toEqual([]);
    }
}

/** The declarations by which anything of the page moves as it is shown now, those of pseudo-elements too. */
const motions = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    const visit = (rules: CSSRuleList): void => {
      for (const rule of rules) {
        if (rule instanceof CSSMediaRule && !matchMedia(rule.conditionText).matches) continue;
        if (rule instanceof CSSStyleRule)
          for (const name of ["transition-property", "animation-name", "scroll-behavior"]) {
            const value = rule.style.getPropertyValue(name);
            // A part that comes at once, after a while, does not move.
            const isAtOnce = name === "animation-name" && rule.style.animationDuration === "0s";
            if (!["", "none", "auto"].includes(value) && !isAtOnce)
              found.push(`${rule.selectorText} { ${name}: ${value} }`);
          }
        if ("cssRules" in rule) visit(rule.cssRules as CSSRuleList);
      }
    };
    for (const sheet of document.styleSheets) visit(sheet.cssRules);
    return found;
  });

/** Goes on with Tab until the focus is on what has this name. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    const focused = await page.evaluate(() => {
      const { activeElement } = document;
      return activeElement?.getAttribute("aria-label") ?? (activeElement as HTMLElement | null)?.innerText ?? "";
    });
    if (focused === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no press of Tab leads to ${name}`);
}

describe.skipIf(!chromiumPath)("the site's layout in Chromium", () => {
  const held = new HeldAgent();
  const site = Site.use({}, { graphs: { agent: held.graph } });

  it("has the end of a conversation in sight on a phone, as it grows and when it is opened, however long a word is", async () => {
    const { stack } = site;
    const page = await site.open({ viewport: { width: 375, height: 667 } });
    await logIn(page, stack, "windows@example.com");
    await homeIsDrawn(page);
    await openChat(page);
    await say(page, "What is 6 * 7?");
    await page.getByRole("button", { name: /the end of a turn/ }).waitFor();
    await say(page, `remember: ${"a-very-long-word-".repeat(12)}`);
    await page.getByRole("button", { name: "Approve" }).waitFor();
    for (const isReload of [false, true]) {
      if (isReload) await page.reload();
      for (const part of [page.getByRole("button", { name: "Approve" }), messageField(page)])
        await expect.poll(() => part.evaluate((one) => one.getBoundingClientRect().bottom <= innerHeight)).toBe(true);
    }
    await looksRight(page);
  });

  it("moves nothing for a person who wants no motion", async () => {
    const page = await site.open({ reducedMotion: "no-preference" });
    await logIn(page, site.stack, "still@example.com");
    await homeIsDrawn(page);
    // That the rules are found at all shows where motion is wanted.
    expect(await motions(page)).not.toEqual([]);
    await page.emulateMedia({ reducedMotion: "reduce" });
    expect(await motions(page)).toEqual([]);
    await openChat(page);
    expect(await motions(page)).toEqual([]);
  });

  it("works by keyboard alone: login, chat, approval, devices, and out", async () => {
    const { stack } = site;
    const page = await site.open({
      viewport: { width: 320, height: 640 },
      colorScheme: "dark",
      reducedMotion: "reduce",
    });
    await page.goto(stack.url);
    await page.getByLabel("E-mail").waitFor();
    await page.keyboard.type("keys@example.com");
    await page.keyboard.press("Enter");
    await page.getByLabel("The six-digit code").waitFor();
    await page.keyboard.type(await codeOf(stack, "keys@example.com"));
    await page.getByText("You are logged in as").waitFor();
    await homeIsDrawn(page);
    // The heading has the focus: the screens are before it.
    await page.keyboard.press("Shift+Tab");
    await tabTo(page, "Touch the session");
    await page.keyboard.press("Enter");
    await page.getByText("Touched just before").waitFor();
    await page.getByRole("link", { name: "Skip to the content" }).focus();
    await tabTo(page, "Chat");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing was said yet.").waitFor();
    await page.getByRole("link", { name: "New thread" }).waitFor();
    for (let n = 0; n < 20 && !(await page.getByLabel("Message", { exact: true }).evaluate(isFocused)); n++)
      await page.keyboard.press("Tab");
    await page.keyboard.type("remember: buy milk");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByRole("group", { name: "Approval" }).evaluate(isFocused)).toBe(true);
    await tabTo(page, "Approve");
    await page.keyboard.press("Enter");
    await page.getByText("Saved: buy milk. I am").waitFor();
    await expect.poll(() => page.getByLabel("Message", { exact: true }).evaluate(isFocused)).toBe(true);
    await tabTo(page, "Checkpoint 1, before a message");
    await page.keyboard.press("Enter");
    await page.getByText(/This is checkpoint 1/).waitFor();
    await page.getByRole("link", { name: "Skip to the content" }).focus();
    await tabTo(page, "Home");
    await page.keyboard.press("Enter");
    await homeIsDrawn(page);
    await tabTo(page, "Log out everywhere");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, "Log out all of them");
    await page.keyboard.press("Enter");
    await notice(page, "You are logged out everywhere.");
    await expect.poll(() => page.getByLabel("E-mail").evaluate(isFocused)).toBe(true);
  });
});

const isFocused = (element: Element) => element === document.activeElement;

const WIDE = `| ${Array.from({ length: 12 }, (_, n) => `Column ${n}`).join(" | ")} |
|${" - |".repeat(12)}
| ${Array.from({ length: 12 }, (_, n) => `value ${n}`).join(" | ")} |

\`\`\`ts
const line = "${"long ".repeat(40)}";
\`\`\`
`;

describe.skipIf(!chromiumPath)("the chat's texts in Chromium", () => {
  const site = Site.use({}, { graphs: { agent: parrot } });

  async function enter(email: string): Promise<Page> {
    const page = await site.open();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await enterChat(page, site.stack, email);
    return page;
  }

  it("keeps a wide table and long code within the window, and copies code", async () => {
    const page = await enter("wide@example.com");
    await say(page, WIDE);
    const copy = page.getByRole("button", { name: "Copy" });
    await copy.waitFor();
    await looksRight(page);
    await copy.click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`const line = "${"long ".repeat(40)}";`);
  });

  it("gives each text its own direction", async () => {
    const page = await enter("rtl@example.com");
    const directions = (selector: string) =>
      page.locator(selector).evaluateAll((all) => all.map((one) => getComputedStyle(one).direction));
    await page.getByLabel("Message", { exact: true }).fill("مرحبا بالعالم");
    expect(await directions("textarea")).toEqual(["rtl"]);
    await say(page, "שלום עולם\n\nHello, world\n\n- مرحبا\n- one\n\n```\ncode\n```");
    await page.getByRole("button", { name: /the end of a turn/ }).waitFor();
    expect(await directions("[data-type=ai] > p")).toEqual(["rtl", "ltr"]);
    expect(await directions("[data-type=ai] li")).toEqual(["rtl", "ltr"]);
    expect(await directions("[data-type=ai] pre")).toEqual(["ltr"]);
    expect(await directions("[data-type=human] .plain-text")).toEqual(["rtl"]);
    await expect.poll(() => directions(".thread-head h2")).toEqual(["rtl"]);
    await looksRight(page);
  });
});
