/** Many threads and many checkpoints: all of them can be reached, and on a phone the conversation comes first. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { parrot } from "../support/service/parrot.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, fits, homeIsDrawn, logIn, openChat, say } from "./site.ts";

const THREADS = 100;
/** Each has four checkpoints. */
const TURNS = 20;

describe.skipIf(!chromiumPath)("the chat's lists in Chromium", () => {
  const site = Site.use({}, { graphs: { agent: parrot } });

  async function ask(token: string, path: string, body: object): Promise<{ thread_id: string }> {
    const answer = await site.stack.request("POST", path, { token, body });
    expect(answer.status).toBe(200);
    return (await answer.json()) as { thread_id: string };
  }
  async function withThreads(email: string): Promise<void> {
    const token = await site.stack.logIn(email);
    for (let n = 0; n < THREADS; n++) {
      await site.clock.moveBy(1);
      await ask(token, "/threads", { metadata: { title: `Thread ${n}` } });
    }
  }
  const links = (page: Page) => page.getByRole("navigation", { name: "Threads" }).getByRole("link");

  it("has the message in sight at 375 px with 100 threads, and the threads behind a button", async () => {
    await withThreads("phone@example.com");
    const page = await site.open({ viewport: { width: 375, height: 667 }, hasTouch: true, isMobile: true });
    await logIn(page, site.stack, "phone@example.com");
    await homeIsDrawn(page);
    await openChat(page);
    const toggle = page.getByRole("button", { name: "Threads", exact: true });
    const box = await page.getByLabel("Message", { exact: true }).boundingBox();
    expect((box?.y ?? 1000) + (box?.height ?? 0)).toBeLessThanOrEqual(667);
    expect(await links(page).count()).toBe(0);
    await fits(page);
    expect(await accessibility(page)).toEqual([]);
    await toggle.click();
    expect(await toggle.getAttribute("aria-expanded")).toBe("true");
    await links(page).first().waitFor();
    await fits(page);
    expect(await accessibility(page)).toEqual([]);
    await links(page).first().click();
    await page.getByRole("heading", { name: "Thread 99" }).waitFor();
    expect(await links(page).count()).toBe(0);
  });

  it("reaches every thread by more pages, which no press of a button asks for twice", async () => {
    await withThreads("many@example.com");
    const page = await site.open();
    const network = await Network.of(page.context(), site.clock);
    await logIn(page, site.stack, "many@example.com");
    await homeIsDrawn(page);
    await openChat(page);
    await expect.poll(() => links(page).count()).toBe(30);
    const more = page.getByRole("button", { name: "More threads" });
    network.hold("/threads/search");
    const before = network.count("POST", "/threads/search");
    await more.dblclick();
    await page.getByRole("button", { name: "Loading…" }).waitFor();
    network.restore();
    for (const count of [60, 90, 100]) {
      await expect.poll(() => links(page).count()).toBe(count);
      if (count < 100) await more.click();
    }
    expect(network.count("POST", "/threads/search") - before).toBe(3);
    expect(await more.count()).toBe(0);
    await links(page).getByText("Thread 0", { exact: true }).click();
    await page.getByRole("heading", { name: "Thread 0" }).waitFor();
    // A turn brings its thread to the top, and loses none.
    await site.clock.moveBy(1);
    await say(page, "Hello");
    await expect.poll(() => links(page).first().textContent()).toBe("Thread 0");
    expect(await links(page).count()).toBe(100);
    network.answer(503, "/threads/search");
    await page.reload();
    await page.getByRole("navigation", { name: "Threads" }).getByText("The service is unavailable").waitFor();
    network.restore();
    await page.getByRole("navigation", { name: "Threads" }).getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => links(page).count()).toBe(30);
  });

  it("reaches every checkpoint, and none changes its number", async () => {
    const email = "long@example.com";
    const token = await site.stack.logIn(email);
    const { thread_id } = await ask(token, "/threads", {});
    for (let n = 0; n < TURNS; n++)
      await ask(token, `/threads/${thread_id}/runs/wait`, {
        assistant_id: "agent",
        input: { messages: [{ role: "user", content: `Turn ${n}` }] },
      });
    const page = await site.open();
    await logIn(page, site.stack, email);
    await homeIsDrawn(page);
    await page.goto(`${site.stack.url}/#/chat/${thread_id}`);
    const dots = page.getByRole("list", { name: "Checkpoints" }).getByRole("button");
    await expect.poll(() => dots.count()).toBe(30);
    const numbers = () =>
      dots.evaluateAll((all) => Object.fromEntries(all.map((dot) => [dot.getAttribute("data-id"), dot.textContent])));
    const first = await numbers();
    const total = TURNS * 3;
    expect(Object.values(first)).toContain(String(total));
    await page.getByRole("button", { name: "Earlier checkpoints" }).click();
    await expect.poll(() => dots.count()).toBe(total);
    expect(await page.getByRole("button", { name: "Earlier checkpoints" }).count()).toBe(0);
    const all = await numbers();
    // On a phone the conversation above gets far shorter: one still sees where one is.
    await page.setViewportSize({ width: 375, height: 667 });
    await dots.nth(3).click();
    const fork = page.getByText("This is checkpoint 4");
    await fork.waitFor();
    const isInSight = (one: Element) => {
      const { top, bottom } = one.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    };
    await expect.poll(() => fork.evaluate(isInSight)).toBe(true);
    await page.getByRole("button", { name: "Back to the present" }).click();
    await page.setViewportSize({ width: 1280, height: 720 });
    expect(all).toMatchObject(first);
    expect(Object.values(all)).toEqual(Array.from({ length: total }, (_, n) => String(n + 1)));
    await say(page, "One more");
    await expect.poll(() => dots.count()).toBe(total + 3);
    expect(await numbers()).toMatchObject(all);

    // An early message is found, however far back its checkpoint is.
    await page.reload();
    await expect.poll(() => dots.count()).toBe(30);
    await page.getByRole("button", { name: "Edit this message" }).first().click();
    await page.getByText("You change an earlier message").waitFor();
    expect(await page.locator("[data-type=human]").count()).toBe(0);
    await page.getByLabel("Message", { exact: true }).fill("Another beginning");
    await page.keyboard.press("Enter");
    await page.locator("[data-type=ai]").getByText("Another beginning").waitFor();
    expect(await page.locator("[data-type=human]").count()).toBe(1);
  });
});
