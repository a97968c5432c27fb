/** The chat: turns, approvals, stopping, going back, changing what was said, titles. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { HeldAgent } from "../support/service/held-agent.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { accessibility, ends, enterChat, messageField, say, trouble } from "./site.ts";

const ABOUT = "I am Tenure's offline agent";

describe.skipIf(!chromiumPath)("the chat in Chromium", () => {
  const held = new HeldAgent();
  const site = Site.use({}, { graphs: { agent: held.graph } });

  const strip = (page: Page) => page.getByRole("list", { name: "Checkpoints" });

  async function enter(email: string): Promise<Page> {
    const page = await site.open();
    await enterChat(page, site.stack, email);
    return page;
  }
  /** The words of what the API has on record of a page's only thread. */
  async function onRecord(page: Page): Promise<{ threads: number; runs: number }> {
    return page.evaluate(async () => {
      const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
      const threads = (await (await fetch("/api/threads/search", post)).json()) as { thread_id: string }[];
      const runs = await Promise.all(
        threads.map(
          async ({ thread_id }) => (await (await fetch(`/api/threads/${thread_id}/runs`)).json()) as unknown[],
        ),
      );
      return { threads: threads.length, runs: runs.flat().length };
    });
  }

  it("talks, asks for approval in words, survives a reload and a restart, and goes back in time", async () => {
    const page = await enter("chat@example.com");
    await say(page, "What is 6 * 7?");
    await page.getByText(`42. ${ABOUT}`).waitFor();
    await page.getByText("Calculates 6 * 7.").waitFor();
    await ends(page).first().waitFor();
    await say(page, "remember: buy milk");
    await page.getByText("The agent wants to keep the note “buy milk”. May it?").waitFor();
    await expect
      .poll(() => page.getByRole("group", { name: "Approval" }).evaluate((one) => one === document.activeElement))
      .toBe(true);
    // JSON is for those who ask for it.
    const json = page.getByRole("group", { name: "Approval" }).getByText('"tool": "save_note"');
    expect(await json.isVisible()).toBe(false);
    await page.getByRole("group", { name: "Approval" }).getByText("Details").click();
    expect(await json.isVisible()).toBe(true);
    expect(await accessibility(page)).toEqual([]);

    await page.reload();
    await page.getByText("The agent wants to keep the note").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("Saved: buy milk. I am").waitFor();
    await ends(page).nth(1).waitFor();

    // In the middle of an answer.
    held.hold();
    await say(page, "What is 7 * 8?");
    const begun = page.getByRole("listitem").filter({ hasText: /56\.\s*$/ });
    await begun.waitFor();
    await page.reload();
    await begun.waitFor();
    held.release();
    await page.getByText(`56. ${ABOUT}`).waitFor();

    const endsAfterReload = async () => {
      await page.reload();
      await strip(page).getByRole("button").first().waitFor();
      return ends(page).count();
    };
    await expect.poll(endsAfterReload).toBe(3);

    await site.stack.restart();
    await page.reload();
    await page.getByText("Saved: buy milk. I am").waitFor();

    // Back to where the first turn had ended, and on from there: the rest is on another branch.
    await ends(page).first().click();
    await page.getByText(/The next message goes on from here/).waitFor();
    expect(await page.getByText("Saved: buy milk. I am").count()).toBe(0);
    expect(await accessibility(page)).toEqual([]);
    await page.getByRole("button", { name: "Back to the present" }).click();
    await page.getByText("Saved: buy milk. I am").waitFor();
    await ends(page).first().click();
    await say(page, "What is 2 * 3?");
    await page.getByText(`6. ${ABOUT}`).last().waitFor();
    await ends(page).nth(3).waitFor();
    expect(await page.getByText("Saved: buy milk. I am").count()).toBe(0);
    await strip(page)
      .getByRole("button", { name: /on another branch/ })
      .first()
      .waitFor();
  });

  it("stops an answer, says so, and lets it go on", async () => {
    const page = await enter("stop@example.com");
    held.hold();
    await say(page, "Tell me something.");
    await page.getByText("The agent is at work…").waitFor();
    await page.getByRole("listitem").filter({ hasText: /I\s*$/ }).waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.getByRole("button", { name: "Stop" }).click();
    await trouble(page, "This answer was stopped before its end.");
    held.release();
    await page.reload();
    await trouble(page, "This answer was stopped before its end.");
    expect(await accessibility(page)).toEqual([]);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("This is your first message in this thread.").waitFor();
    await page.getByRole("alert").filter({ hasText: "stopped" }).waitFor({ state: "detached" });
  });

  it("takes several lines, and Enter sends them", async () => {
    const page = await enter("lines@example.com");
    await messageField(page).focus();
    await page.keyboard.type("remember: one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    expect(await messageField(page).inputValue()).toBe("remember: one\ntwo");
    await page.keyboard.press("Enter");
    const said = page.locator("[data-type=human] .plain-text");
    await said.waitFor();
    expect(await said.innerText()).toBe("remember: one\ntwo");
    expect(await said.getAttribute("dir")).toBe("auto");
  });

  it("changes an earlier message, and the first one too, and goes on from there", async () => {
    const page = await enter("edit@example.com");
    await say(page, "What is 6 * 7?");
    await ends(page).first().waitFor();
    await say(page, "What is 1 + 1?");
    await ends(page).nth(1).waitFor();
    const edits = page.getByRole("button", { name: "Edit this message" });
    await edits.nth(1).click();
    await page.getByText("You change an earlier message").waitFor();
    expect(await messageField(page).inputValue()).toBe("What is 1 + 1?");
    expect(await page.getByText("Calculates 1 + 1.").count()).toBe(0);
    await page.getByRole("button", { name: "Back to the present" }).click();
    await page.getByText("Calculates 1 + 1.").waitFor();
    expect(await messageField(page).inputValue()).toBe("");
    await edits.nth(1).click();
    await messageField(page).fill("What is 2 + 2?");
    await page.keyboard.press("Enter");
    await page.getByText(`4. ${ABOUT}`).waitFor();
    await page.getByText("Calculates 6 * 7.").waitFor();
    expect(await page.getByText("Calculates 1 + 1.").count()).toBe(0);
    await ends(page).nth(2).waitFor();
    await edits.first().click();
    await messageField(page).fill("What is 9 * 9?");
    await page.keyboard.press("Enter");
    await page.getByText(`81. ${ABOUT}`).waitFor();
    await ends(page).nth(3).waitFor();
    expect(await page.getByText("Calculates 6 * 7.").count()).toBe(0);
    await page.reload();
    await page.getByText(`81. ${ABOUT}`).waitFor();
    expect(await page.locator("[data-type=human]").count()).toBe(1);
  });

  it("renames a thread, and deletes it after a question", async () => {
    const page = await enter("titles@example.com");
    await say(page, "What is 6 * 7?");
    await ends(page).first().waitFor();
    const threads = page.getByRole("navigation", { name: "Threads" });
    await threads.getByRole("link", { name: "What is 6 * 7?" }).waitFor();
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("Title").fill("Sums");
    expect(await accessibility(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Sums" }).waitFor();
    await threads.getByRole("link", { name: "Sums" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Sums" }).waitFor();
    await page.getByRole("link", { name: "New thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    await threads.getByRole("link", { name: "Sums" }).click();
    await page.getByText(`42. ${ABOUT}`).waitFor();

    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog", { name: "Delete this thread?" }).waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.getByRole("button", { name: "Keep it" }).click();
    await page.getByText(`42. ${ABOUT}`).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("No threads yet.").waitFor();
    await page.getByText("Nothing was said yet.").waitFor();
    expect(await onRecord(page)).toEqual({ threads: 0, runs: 0 });
  });
});
