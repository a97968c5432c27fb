/** An answer that comes after another thread was opened: it changes nothing of the thread that is shown. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { parrot } from "../support/service/parrot.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { ends, enterChat, messageField, notice, say } from "./site.ts";

describe.skipIf(!chromiumPath)("late answers in Chromium", () => {
  const site = Site.use({}, { graphs: { agent: parrot } });

  const threads = (page: Page) => page.getByRole("navigation", { name: "Threads" });
  const title = (page: Page, words: string) => page.getByRole("heading", { level: 2, name: words, exact: true });

  async function open(page: Page, words: string): Promise<void> {
    await threads(page).getByRole("link", { name: words, exact: true }).click();
    await title(page, words).waitFor();
    await ends(page).first().waitFor();
  }

  /** The ids of a thread's checkpoints, as the API has them. */
  const checkpoints = (page: Page, threadId: string) =>
    page.evaluate(async (id) => {
      const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
      const states = (await (await fetch(`/api/threads/${id}/history`, post)).json()) as {
        checkpoint: { checkpoint_id: string };
      }[];
      return states.map(({ checkpoint }) => checkpoint.checkpoint_id);
    }, threadId);

  /** A page at "Second", with another thread, "First". */
  async function withTwoThreads(email: string): Promise<{ page: Page; network: Network }> {
    const page = await site.open();
    const network = await Network.of(page.context(), site.clock);
    await enterChat(page, site.stack, email);
    for (const words of ["First", "Second"]) {
      await page.getByRole("link", { name: "New thread" }).click();
      await say(page, words);
      await ends(page).first().waitFor();
      await threads(page).getByRole("link", { name: words, exact: true }).waitFor();
    }
    return { page, network };
  }

  it("leaves the thread open that was opened while another one was deleted", async () => {
    const { page, network } = await withTwoThreads("delete@example.com");
    const url = page.url();
    await open(page, "First");
    network.hold(new URL(page.url()).hash.replace("#/chat", "/threads"));
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByRole("button", { name: "Deleting…" }).waitFor();
    await open(page, "Second");
    network.restore();
    await notice(page, "The thread is deleted.");
    await expect.poll(() => threads(page).getByRole("link").allTextContents()).toEqual(["Second"]);
    expect(page.url()).toBe(url);
    await title(page, "Second").waitFor();
  });

  it("names no thread by the title of another", async () => {
    const { page, network } = await withTwoThreads("rename@example.com");
    await open(page, "First");
    network.hold(new URL(page.url()).hash.replace("#/chat", "/threads"));
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("Title").fill("Renamed");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Saving…" }).waitFor();
    await open(page, "Second");
    network.restore();
    await threads(page).getByRole("link", { name: "Renamed", exact: true }).waitFor();
    await title(page, "Second").waitFor();
    await say(page, "and on");
    await ends(page).nth(1).waitFor();
    await title(page, "Second").waitFor();
  });

  it("goes on from the shown thread's own checkpoints, when those of another one come later", async () => {
    const { page, network } = await withTwoThreads("steps@example.com");
    const shown = new URL(page.url()).hash.replace("#/chat/", "");
    await page.getByRole("link", { name: "New thread" }).click();
    const first = threads(page).getByRole("link", { name: "First", exact: true });
    const other = (await first.getAttribute("href"))?.replace("#/chat/", "") as string;
    network.hold(`${other}/history`);
    await first.click();
    await title(page, "First").waitFor();
    const late = page.waitForResponse(`**/${other}/history`);
    await open(page, "Second");
    network.restore();
    await late;
    const sent = page.waitForRequest(`**/${shown}/runs/stream`);
    await page.getByRole("button", { name: "Edit this message" }).click();
    await page.getByText("You change an earlier message").waitFor();
    await messageField(page).fill("Second, again");
    await page.keyboard.press("Enter");
    expect(await checkpoints(page, shown)).toContain((await sent).postDataJSON().checkpoint_id);
    await ends(page).nth(1).waitFor();
    await page.getByText("Second, again").first().waitFor();
  });

  it("shows no checkpoint of another thread while the thread's own are read, and changes a message all the same", async () => {
    const { page, network } = await withTwoThreads("unread@example.com");
    const shown = new URL(page.url()).hash.replace("#/chat/", "");
    await open(page, "First");
    network.hold(`${shown}/history`);
    await threads(page).getByRole("link", { name: "Second", exact: true }).click();
    await title(page, "Second").waitFor();
    await page.getByText("Loading the checkpoints…").waitFor();
    expect(await page.getByRole("list", { name: "Checkpoints" }).count()).toBe(0);
    const edit = page.getByRole("button", { name: "Edit this message" });
    await edit.dblclick();
    expect(await edit.getAttribute("aria-busy")).toBe("true");
    expect(await edit.textContent()).toBe("One moment…");
    network.restore();
    await page.getByText("You change an earlier message").waitFor();
    const sent = page.waitForRequest(`**/${shown}/runs/stream`);
    await page.keyboard.press("Enter");
    expect(await checkpoints(page, shown)).toContain((await sent).postDataJSON().checkpoint_id);
    await ends(page).nth(1).waitFor();
  });

  it("takes a thread that another tab has deleted out of the list, once it is known", async () => {
    const { page } = await withTwoThreads("gone@example.com");
    const first = threads(page).getByRole("link", { name: "First", exact: true });
    const id = (await first.getAttribute("href"))?.replace("#/chat/", "");
    await page.evaluate((gone) => fetch(`/api/threads/${gone}`, { method: "DELETE" }), id);
    await first.click();
    await page.getByText("This thread is gone").waitFor();
    await expect.poll(() => threads(page).getByRole("link").allTextContents()).toEqual(["Second"]);
  });
});
