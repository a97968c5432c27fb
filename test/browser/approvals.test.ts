/** An approval answers the question that a person has read, and no key that was meant for something else gives it. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, ends, enterChat, messageField, say } from "./site.ts";

describe.skipIf(!chromiumPath)("approvals in Chromium", () => {
  const site = Site.use();

  const approval = (page: Page) => page.getByRole("group", { name: "Approval" });
  const asked = (page: Page, note: string) =>
    approval(page).getByText(`The agent wants to keep the note “${note}”. May it?`).waitFor();
  const press = (page: Page, name: string) => approval(page).getByRole("button", { name }).click();

  async function enter(email: string): Promise<Page> {
    const page = await site.open();
    await enterChat(page, site.stack, email);
    return page;
  }
  /** Another tab at the same question. */
  async function secondTab(page: Page, note: string): Promise<Page> {
    const second = await page.context().newPage();
    await second.goto(page.url());
    await asked(second, note);
    return second;
  }

  it("approves nothing but the question that the page shows, whatever another tab has gone on to", async () => {
    const page = await enter("stale@example.com");
    await say(page, "remember: milk");
    await asked(page, "milk");
    const second = await secondTab(page, "milk");
    await press(page, "Decline");
    await ends(page).first().waitFor();
    await say(page, "remember: all my secrets");
    await asked(page, "all my secrets");
    await press(second, "Approve");
    // The page shows what is asked by now, and nothing was kept.
    await asked(second, "all my secrets");
    expect(await second.getByText("Saved:").count()).toBe(0);
    expect(await accessibility(second)).toEqual([]);
    await press(second, "Approve");
    await second.getByText("Saved: all my secrets. I am").waitFor();
  });

  it("carries out once what two tabs approve", async () => {
    const page = await enter("twice@example.com");
    await say(page, "remember: milk");
    await asked(page, "milk");
    const second = await secondTab(page, "milk");
    await press(page, "Approve");
    await ends(page).first().waitFor();
    await press(second, "Approve");
    await ends(second).first().waitFor();
    expect(await second.getByText("Saved: milk. I am").count()).toBe(1);
    expect(await second.getByText("Answer of save note: Saved: milk").count()).toBe(1);
  });

  it("leaves the keyboard in the field while somebody writes, and does not give it to the button that approves", async () => {
    const page = await enter("keys@example.com");
    const network = await Network.of(page.context(), site.clock);
    const has = (element: Element) => element === document.activeElement;
    await messageField(page).fill("remember: milk");
    await page.keyboard.press("Enter");
    await asked(page, "milk");
    await expect.poll(() => approval(page).evaluate(has)).toBe(true);
    await page.keyboard.press(" ");
    await page.keyboard.press("Enter");
    await asked(page, "milk");
    await press(page, "Decline");
    await ends(page).first().waitFor();

    // The thread's state says what is asked: it comes late.
    network.hold("/state");
    await messageField(page).fill("remember: bread");
    await page.keyboard.press("Enter");
    await expect.poll(() => messageField(page).inputValue()).toBe("");
    await messageField(page).focus();
    await page.keyboard.type("and then");
    network.restore();
    await asked(page, "bread");
    await page.getByRole("button", { name: /^Checkpoint 8/ }).waitFor();
    expect(await messageField(page).evaluate(has)).toBe(true);
    await page.keyboard.type(" some more");
    expect(await messageField(page).inputValue()).toBe("and then some more");
    await asked(page, "bread");
  });
});
