/** Every way in which a turn can go wrong: a slow network, no answer, 502 and 503, offline, a thread that is gone, an agent that fails. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { HeldAgent } from "../support/service/held-agent.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, ends, enterChat, logIn, messageField, notice, say, trouble } from "./site.ts";

const ABOUT = "I am Tenure's offline agent";

describe.skipIf(!chromiumPath)("a chat in trouble in Chromium", () => {
  const held = new HeldAgent();
  const site = Site.use({}, { graphs: { agent: held.graph } });
  const { clock } = site;

  async function enter(email: string): Promise<{ page: Page; network: Network }> {
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    await enterChat(page, site.stack, email);
    return { page, network };
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

  it("makes one thread and one run on a slow network, however often Enter is pressed, and keeps the words until then", async () => {
    const { page, network } = await enter("twice@example.com");
    network.slow(1_500);
    await messageField(page).fill("What is 6 * 7?");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Sending…" }).click({ force: true });
    expect(await messageField(page).inputValue()).toBe("What is 6 * 7?");
    expect(await accessibility(page)).toEqual([]);
    await site.until(() => page.getByText(`42. ${ABOUT}`).isVisible());
    expect(await messageField(page).inputValue()).toBe("");
    expect(network.count("POST", "/runs/stream")).toBe(1);
    network.restore();
    await ends(page).first().waitFor();
    expect(await onRecord(page)).toEqual({ threads: 1, runs: 1 });

    network.slow(1_500);
    await say(page, "remember: buy milk");
    await site.until(() => page.getByRole("button", { name: "Approve" }).isVisible());
    await page.getByRole("button", { name: "Approve" }).dblclick();
    await site.until(() => page.getByText("Saved: buy milk. I am").isVisible());
    network.restore();
    expect(network.count("POST", "/runs/stream")).toBe(3);
    await ends(page).nth(1).waitFor();
    expect(await onRecord(page)).toEqual({ threads: 1, runs: 3 });
  });

  it("sends what got no answer again under the same key, so that nothing is done twice", async () => {
    const { page, network } = await enter("key@example.com");
    network.lose("/runs/stream");
    await say(page, "What is 6 * 7?");
    await trouble(
      page,
      "The server cannot be reached. Check your connection and try again. What you sent is not lost.",
    );
    expect(await messageField(page).inputValue()).toBe("What is 6 * 7?");
    expect(await accessibility(page)).toEqual([]);
    network.restore();
    await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
    await page.getByText(`42. ${ABOUT}`).waitFor();
    await ends(page).first().waitFor();
    expect(await messageField(page).inputValue()).toBe("");
    const keys = network.seen.filter(({ path }) => path.endsWith("/runs/stream")).map(({ key }) => key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(await onRecord(page)).toEqual({ threads: 1, runs: 1 });

    await say(page, "What is 6 * 7?");
    await ends(page).nth(1).waitFor();
    expect(await onRecord(page)).toEqual({ threads: 1, runs: 2 });
  });

  it.each([502, 503] as const)("says %i in words, keeps the draft, and goes on", async (status) => {
    const { page, network } = await enter(`chat-${status}@example.com`);
    network.answer(status);
    await say(page, "Hello");
    await trouble(page, "The service is unavailable at the moment. You are still logged in; try again shortly.");
    expect(await messageField(page).inputValue()).toBe("Hello");
    expect(await page.locator("main").textContent()).not.toContain("{");
    network.restore();
    await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
    await page.getByText("This is your first message in this thread.").waitFor();
    await ends(page).first().waitFor();

    network.answer(status, "/state");
    await page.reload();
    await trouble(page, "The service is unavailable at the moment.");
    expect(await accessibility(page)).toEqual([]);
    network.restore();
    await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
    await page.getByText("This is your first message in this thread.").waitFor();
  });

  it("says that one is offline, keeps the draft, and sends it later", async () => {
    const { page } = await enter("offline@example.com");
    await say(page, "Hello");
    await ends(page).first().waitFor();
    await messageField(page).fill("a draft");
    await page.context().setOffline(true);
    await page.locator("#notice", { hasText: "You are offline." }).waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await trouble(page, "You are offline. Try again when you are connected.");
    expect(await messageField(page).inputValue()).toBe("a draft");
    expect(await accessibility(page)).toEqual([]);
    await page.context().setOffline(false);
    await expect.poll(() => page.locator("#notice").textContent()).toBe("");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("You have sent 2 messages in this thread.").waitFor();
    expect(await messageField(page).inputValue()).toBe("");
  });

  it("keeps a draft for each thread, and the one that a change of an earlier message puts aside", async () => {
    const { page } = await enter("drafts@example.com");
    await say(page, "What is 6 * 7?");
    await ends(page).first().waitFor();
    await messageField(page).fill("more of sums");
    await page.getByRole("link", { name: "New thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    expect(await messageField(page).inputValue()).toBe("");
    await messageField(page).fill("a new subject");
    await page.getByRole("link", { name: "What is 6 * 7?" }).click();
    await ends(page).first().waitFor();
    expect(await messageField(page).inputValue()).toBe("more of sums");
    await page.getByRole("button", { name: "Edit this message" }).click();
    await page.getByText("You change an earlier message").waitFor();
    expect(await messageField(page).inputValue()).toBe("What is 6 * 7?");
    await page.getByRole("button", { name: "Back to the present" }).click();
    await expect.poll(() => messageField(page).inputValue()).toBe("more of sums");
    await page.getByRole("button", { name: "Edit this message" }).click();
    await page.getByText("You change an earlier message").waitFor();
    await page.getByRole("link", { name: "New thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    expect(await messageField(page).inputValue()).toBe("a new subject");
  });

  it("tells what has become of a message whose thread is not shown any more, and sends it once", async () => {
    const { page, network } = await enter("elsewhere@example.com");
    await say(page, "What is 6 * 7?");
    await ends(page).first().waitFor();
    const threads = page.getByRole("navigation", { name: "Threads" }).getByRole("link");
    const write = async () => {
      await page.getByRole("link", { name: "New thread" }).click();
      await page.getByText("Nothing was said yet.").waitFor();
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByRole("button", { name: "Sending…" }).waitFor();
      await threads.getByText("What is 6 * 7?").click();
      await ends(page).first().waitFor();
    };
    await page.getByRole("link", { name: "New thread" }).click();
    await messageField(page).fill("What is 2 + 2?");
    await threads.getByText("What is 6 * 7?").click();
    await ends(page).first().waitFor();
    network.hold("/runs/stream");
    await write();
    await page.context().setOffline(true);
    network.restore();
    await notice(page, "A message in another thread was not sent; it is still in its field there.");
    await page.context().setOffline(false);
    network.hold("/runs/stream");
    await write();
    expect(await threads.count()).toBe(1);
    network.restore();
    await expect.poll(() => threads.count()).toBe(2);
    await threads.getByText("What is 2 + 2?").click();
    await page.getByText(`4. ${ABOUT}`).waitFor();
    expect(await messageField(page).inputValue()).toBe("");
    const keys = network.seen.filter(({ path }) => path.endsWith("/runs/stream")).map(({ key }) => key);
    expect(new Set(keys.slice(1)).size).toBe(1);
    expect(await onRecord(page)).toEqual({ threads: 2, runs: 2 });
    await page.getByRole("link", { name: "New thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    expect(await messageField(page).inputValue()).toBe("");
  });

  it.each(["/state", "/history"])("reads a thread whole after the login that %s has wanted", async (part) => {
    const { page } = await enter(`ended${part.length}@example.com`);
    const ended = { type: "/api/problems/session-required", title: "Log in", status: 401 };
    await page.route(`**${part}`, (route) => route.fulfill({ status: 401, json: ended }), { times: 1 });
    await say(page, "What is 6 * 7?");
    await notice(page, "Your session has ended.");
    await logIn(page, site.stack, `ended${part.length}@example.com`);
    await page.getByText(`42. ${ABOUT}`).waitFor();
    await ends(page).first().waitFor();
    expect(await page.locator("main").textContent()).not.toContain("Your session has ended");
  });

  it("does not draw a run of one thread in another, and finds it again where it is", async () => {
    const { page } = await enter("switch@example.com");
    held.hold();
    await say(page, "Tell me something.");
    await page.getByRole("listitem").filter({ hasText: /I\s*$/ }).waitFor();
    await page.getByRole("link", { name: "New thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    await page.getByRole("button", { name: "Stop" }).waitFor({ state: "hidden" });
    held.release();
    await say(page, "What is 6 * 7?");
    await page.getByText(`42. ${ABOUT}`).waitFor();
    await ends(page).first().waitFor();
    expect(await page.getByText("Tell me something.", { exact: true }).count()).toBe(1);
    await page.getByRole("link", { name: "Tell me something." }).click();
    await page.getByText("This is your first message in this thread.").waitFor();
    expect(await page.getByText(`42. ${ABOUT}`).count()).toBe(0);
  });

  it("finds an answer again whose connection broke", async () => {
    const { page, network } = await enter("broken@example.com");
    held.hold();
    await say(page, "Tell me something.");
    await page.getByRole("listitem").filter({ hasText: /I\s*$/ }).waitFor();
    // The stack closes the stream when it stops; the run goes on in the one that follows.
    network.answer(502);
    await site.stack.restart();
    held.release();
    await site.until(() => page.getByText("The connection broke. The agent goes on").isVisible(), 1_000);
    expect(await accessibility(page)).toEqual([]);
    network.restore();
    await site.until(() => page.getByText("This is your first message in this thread.").isVisible(), 1_000);
  });

  it("leads on from a thread that is gone, whether it is opened or written to", async () => {
    const { page } = await enter("gone@example.com");
    await say(page, "Hello");
    await ends(page).first().waitFor();
    const elsewhere = await page.context().newPage();
    await elsewhere.goto(page.url());
    await elsewhere.getByRole("button", { name: "Delete" }).click();
    await elsewhere.getByRole("button", { name: "Delete it" }).click();
    await elsewhere.getByText("No threads yet.").waitFor();
    await say(page, "To somebody who is gone");
    await trouble(page, "This thread is gone: it was deleted, or it belongs to another user.");
    expect(await onRecord(page)).toEqual({ threads: 0, runs: 0 });
    await page.getByRole("link", { name: "Begin a new thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    expect(await messageField(page).inputValue()).toBe("To somebody who is gone");
    await page.goBack();
    await trouble(page, "This thread is gone: it was deleted, or it belongs to another user.");
    await page.reload();
    await trouble(page, "This thread is gone: it was deleted, or it belongs to another user.");
    expect(await accessibility(page)).toEqual([]);
    // An address that no thread can have leads on as well.
    await page.goto(`${site.stack.url}/#/chat/no-id`);
    await trouble(page, "This thread is gone: it was deleted, or it belongs to another user.");
    await page.getByRole("link", { name: "Begin a new thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    await say(page, "Hello again");
    await page.getByText("This is your first message in this thread.").waitFor();
  });

  it("says why an agent has failed, also after a reload, and tries again where it stopped", async () => {
    const { page } = await enter("fails@example.com");
    held.fail("the model is away");
    await say(page, "Tell me something.");
    await trouble(page, "The agent could not finish its answer: the model is away");
    expect(await page.locator("main").textContent()).not.toContain("{");
    expect(await accessibility(page)).toEqual([]);
    await page.reload();
    await trouble(page, "The agent could not finish its answer: the model is away");
    await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
    await page.getByText("This is your first message in this thread.").waitFor();
    await page.getByRole("alert").filter({ hasText: "could not finish" }).waitFor({ state: "detached" });
    expect(await page.locator("[data-type=human]").count()).toBe(1);
  });
});
