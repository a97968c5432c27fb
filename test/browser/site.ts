/** The actions of a person on the site. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type Axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import type { TestStack } from "../support/service/stack.ts";

/** Types the address and asks for a code. */
export async function askCode(page: Page, stack: TestStack, email: string): Promise<void> {
  if (page.url() === "about:blank") await page.goto(stack.url);
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("The six-digit code").waitFor();
}

/** Finds the code in the mailbox and types it; the last digit sends it. */
export async function enterCode(page: Page, stack: TestStack, email: string): Promise<void> {
  await page.getByLabel("The six-digit code").fill(await codeOf(stack, email));
}

/** Asks for a code, unless that is done, enters it, and waits for the screens that are behind it. */
export async function logIn(page: Page, stack: TestStack, email: string, { isAsked = false } = {}): Promise<void> {
  if (!isAsked) await askCode(page, stack, email);
  await enterCode(page, stack, email);
  await page.getByRole("navigation", { name: "Screens" }).waitFor();
}

export const wrongCode = (right: string): string => (right === "000000" ? "111111" : "000000");

export const notice = (page: Page, words: string) => page.locator("#notice", { hasText: words }).waitFor();

export async function codeOf(stack: TestStack, email: string): Promise<string> {
  const mails = (await (await fetch(`${stack.url}/dev/mail.json`)).json()) as { to: string; code: string }[];
  return mails.find(({ to }) => to === email)?.code ?? "";
}

export const go = (page: Page, screen: string) =>
  page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: screen }).click();

/** Waits for all that the home screen asks for: a request under way would meet whatever the test does next. */
export async function homeIsDrawn(page: Page): Promise<void> {
  await page.getByRole("list", { name: "Devices" }).getByRole("listitem").first().waitFor();
  await page.getByRole("list", { name: "Recent activity" }).getByRole("listitem").first().waitFor();
}

/** Reloads the home screen until it shows the login, which is put on record some moments after its answer. */
export async function homeShowsLogin(page: Page): Promise<void> {
  await homeIsDrawn(page);
  while ((await page.getByRole("list", { name: "Recent activity" }).getByText("Logged in").count()) === 0) {
    await page.reload();
    await homeIsDrawn(page);
  }
}

/** Opens the chat of somebody who has said nothing yet, and waits for all that it asks for. */
export async function openChat(page: Page): Promise<void> {
  await go(page, "Chat");
  await page.getByText("Nothing was said yet.").waitFor();
}

/** Logs in, and opens the chat of somebody who has said nothing yet. */
export async function enterChat(page: Page, stack: TestStack, email: string): Promise<void> {
  await logIn(page, stack, email);
  await homeIsDrawn(page);
  await openChat(page);
}

export const messageField = (page: Page) => page.getByLabel("Message", { exact: true });

/** The checkpoints at which turns have ended: drawn when a turn is over, and not before. */
export const ends = (page: Page) =>
  page.getByRole("list", { name: "Checkpoints" }).getByRole("button", { name: /the end of a turn/ });

/** Waits for the conversation to say what keeps it from going on. */
export const trouble = (page: Page, words: string) => page.getByRole("alert").filter({ hasText: words }).waitFor();

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** axe-core yields by timers of no length, which a page whose clock is held does not fire. Its others are guards. */
const YIELD = `(act, ms) => {
  if (ms > 0) return;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => act();
  port2.postMessage(0);
}`;

/** Returns what axe-core finds wrong with the page as it is. */
export async function accessibility(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(`((setTimeout) => {${axe}\n})(${YIELD})`);
  return page.evaluate(async (values) => {
    const { axe } = globalThis as unknown as { axe: typeof Axe };
    // Only what is wrong is told, and nobody asks where in the page it is.
    const { violations } = await axe.run(document, {
      runOnly: { type: "tag", values },
      resultTypes: ["violations"],
      selectors: false,
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }, RULES);
}

/** Puts what must not happen on any page of the context into `failures`. */
export async function watchFailures(context: BrowserContext, failures: string[]): Promise<void> {
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  context.on("weberror", (error) => failures.push(error.error().message));
  context.on("console", (message) => message.text().startsWith("policy:") && failures.push(message.text()));
  context.on("request", (request) => {
    if (!["localhost", "127.0.0.1"].includes(new URL(request.url()).hostname)) failures.push(request.url());
  });
}

/** Throws when something sticks out to the right of the window. */
export async function fits(page: Page): Promise<void> {
  const [width, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(width).toBeLessThanOrEqual(window ?? 0);
}
