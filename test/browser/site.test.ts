/** The site in a real browser, screen by screen, with the real stack behind it. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WAIT_MS } from "../support/runner/size.ts";
import { HeldAgent } from "../support/service/held-agent.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { chromiumPath, redisUrl } from "../support/stores/found.ts";
import { startProxy } from "../support/stores/proxy.ts";
import { launch } from "./launch.ts";
import {
  accessibility,
  codeOf,
  fits,
  go,
  homeIsDrawn,
  homeShowsLogin,
  logIn,
  openChat,
  say,
  watchFailures,
} from "./site.ts";
import { SiteClock } from "./site-clock.ts";

const MINUTE = 60_000;

describe.skipIf(!chromiumPath)("the site in Chromium", () => {
  const clock = new SiteClock();
  const held = new HeldAgent();
  let stack: TestStack;
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  const failures: string[] = [];
  beforeAll(async () => {
    stack = await startTestStack({}, { now: clock.now, sweepEveryMs: false, graphs: { agent: held.graph } });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });
  const openInRealTime = async (options = {}) => {
    const context = await browser.newContext(options);
    contexts.push(context);
    context.setDefaultTimeout(WAIT_MS);
    await watchFailures(context, failures);
    return context;
  };
  /** A page of a browser of its own, whose time is the stack's. */
  const open = async (options = {}): Promise<Page> => {
    const context = await openInRealTime(options);
    await clock.hold(context);
    return context.newPage();
  };
  afterEach(async () => {
    held.release();
    for (const context of contexts.splice(0)) await context.close();
    expect(failures.splice(0)).toEqual([]);
  });

  const notice = (page: Page, words: string) => page.locator("#notice", { hasText: words }).waitFor();

  it("leads in by a code and out at once, and no script can read the token", async () => {
    const page = await open();
    await page.goto(stack.url);
    await page.getByLabel("E-mail").waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.keyboard.press("Enter");
    const code = page.getByLabel("The six-digit code");
    await code.waitFor();
    expect(await code.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await code.getAttribute("autocomplete")).toBe("one-time-code");
    await page.getByText(/It works for another \d+ minutes/).waitFor();
    expect(await accessibility(page)).toEqual([]);

    const right = await codeOf(stack, "ada@example.com");
    await code.fill(right === "000000" ? "111111" : "000000");
    await page.getByText("That is not the code. Tries left: 4.").waitFor();
    // Pasted with a space, as mail programs show it.
    await code.fill(`${right.slice(0, 3)} ${right.slice(3)}`);
    await page.getByText("You are logged in as ada@example.com.").waitFor();
    await homeIsDrawn(page);
    expect(await page.locator("h1").evaluate((element) => element === document.activeElement)).toBe(true);

    const cookies = await page.context().cookies();
    // The session, and that this browser has logged in before, which opens nothing.
    expect(cookies.map(({ name }) => name).sort()).toEqual(["__Host-tenure", "__Host-tenure-browser"]);
    for (const one of cookies) expect(one).toMatchObject({ secure: true, httpOnly: true, sameSite: "Lax", path: "/" });
    const cookie = cookies.find(({ name }) => name === "__Host-tenure");
    expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).toBe(
      "{}",
    );

    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await notice(page, "You are logged out.");
    expect((await page.context().cookies()).map(({ name }) => name)).toEqual(["__Host-tenure-browser"]);
    expect((await stack.request("GET", "/auth/session", { token: cookie?.value ?? "" })).status).toBe(401);
  });

  it("shows both deadlines, devices and activity, and ends another browser's session", async () => {
    const [page, other] = [await open(), await open()];
    await logIn(page, stack, "devices@example.com");
    await logIn(other, stack, "devices@example.com");
    await homeIsDrawn(other);
    await openChat(other);
    await other.getByLabel("Message", { exact: true }).fill("I was typing this");

    await page.reload();
    await homeShowsLogin(page);
    await page.getByRole("listitem").filter({ hasText: "(this one)" }).waitFor();
    expect(await page.getByRole("list", { name: "Devices" }).getByRole("listitem").count()).toBe(2);
    await page.getByText(/^30 minutes left, at/).waitFor();
    await page.getByText(/^12 hours left, at/).waitFor();
    expect(await accessibility(page)).toEqual([]);
    const touch = page.getByRole("button", { name: "Touch the session" });
    await clock.moveBy(MINUTE - 1);
    await touch.click();
    await page.getByText("Touched just before").waitFor();
    await clock.moveBy(1);
    await touch.click();
    await page.getByText("the idle deadline moved by 60 seconds, the absolute one stayed.").waitFor();

    await page.getByRole("button", { name: "Log out the others" }).click();
    await expect.poll(() => page.getByRole("list", { name: "Devices" }).getByRole("listitem").count()).toBe(1);
    await other.getByRole("button", { name: "Send" }).click();
    await notice(other, "Your session has ended");
    // The screen, and the text that was typed on it, are there again after the login.
    const listed = other.waitForResponse((response) => response.url().endsWith("/threads/search"));
    await Promise.all([logIn(other, stack, "devices@example.com"), listed]);
    expect(await other.getByLabel("Message", { exact: true }).inputValue()).toBe("I was typing this");

    await page.getByRole("button", { name: "Log out everywhere" }).click();
    await notice(page, "You are logged out.");
    await other.getByRole("button", { name: "Send" }).click();
    await notice(other, "Your session has ended");
  });

  it("talks to the agent, asks for approval, survives a reload and a restart, and goes back in time", async () => {
    const page = await open();
    await logIn(page, stack, "chat@example.com");
    await openChat(page);
    const strip = page.getByRole("list", { name: "Checkpoints" });
    /** Drawn when a turn is over, and not before. */
    const ends = strip.getByRole("button", { name: /the end of a turn/ });
    await say(page, "What is 6 * 7?");
    await page.getByText("42. I am Tenure's offline agent").waitFor();
    await ends.first().waitFor();
    await say(page, "remember: buy milk");
    await page.getByText("May I call save_note?").waitFor();
    await expect
      .poll(() => page.getByRole("button", { name: "Approve" }).evaluate((one) => one === document.activeElement))
      .toBe(true);
    expect(await accessibility(page)).toEqual([]);

    await page.reload();
    await page.getByText("May I call save_note?").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("Saved: buy milk. I am").waitFor();
    await ends.nth(1).waitFor();

    // In the middle of an answer.
    held.hold();
    await say(page, "What is 7 * 8?");
    const begun = page.getByRole("listitem").filter({ hasText: /56\.\s*$/ });
    await begun.waitFor();
    await page.reload();
    await begun.waitFor();
    held.release();
    await page.getByText("56. I am Tenure's offline agent").waitFor();

    const endsAfterReload = async () => {
      await page.reload();
      await strip.getByRole("button").first().waitFor();
      return ends.count();
    };
    await expect.poll(endsAfterReload).toBe(3);

    await stack.restart();
    await page.reload();
    await page.getByText("Saved: buy milk. I am").waitFor();

    // Back to where the first turn had ended, and on from there: the rest never happened.
    await ends.first().click();
    await page.getByText(/The next message goes on from here/).waitFor();
    expect(await page.getByText("Saved: buy milk. I am").count()).toBe(0);
    await say(page, "What is 2 * 3?");
    await page.getByText("6. I am Tenure's offline agent").waitFor();
    await ends.nth(3).waitFor();
    expect(await page.getByText("Saved: buy milk. I am").count()).toBe(0);

    await page.getByRole("link", { name: "New thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    await page.getByRole("link", { name: "What is 6 * 7?" }).click();
    await page.getByText("42. I am Tenure's offline agent").waitFor();
    await page.getByRole("button", { name: /Delete the thread/ }).click();
    await page.getByText("No threads yet.").waitFor();
  });

  it("races: after the deadline Redis and the checked read have nothing, and DynamoDB has the item until it is swept", async () => {
    const page = await open();
    await logIn(page, stack, "race@example.com");
    await go(page, "Expiry race");
    // Takes what earlier tests have left.
    await stack.sweep();
    await page.getByRole("button", { name: "Start the race" }).click();
    // Ten seconds, and on to the next whole one.
    const deadline = Math.ceil((clock.now() + 10_000) / 1000) * 1000;
    /** When each way of reading last found the record, and when it first did not. */
    const lanes = () =>
      page
        .getByRole("row")
        .evaluateAll((rows) =>
          rows.slice(1).map((row) => [...row.querySelectorAll("td")].map(({ textContent }) => textContent)),
        );
    await expect.poll(lanes).toEqual(Array(3).fill(["10.75 s before", "not yet"]));

    await clock.moveTo(deadline - 100);
    await expect.poll(lanes).toEqual(Array(3).fill(["0.10 s before", "not yet"]));
    expect(await stack.sweep()).toBe(0);

    await clock.moveTo(deadline + 100);
    await page.getByText("DynamoDB still has the item").waitFor();
    const [redis, checked] = Array(2).fill(["0.10 s before", "0.10 s after"]);
    expect(await lanes()).toEqual([redis, checked, ["0.10 s after", "not yet"]]);
    expect(await accessibility(page)).toEqual([]);

    expect(await stack.sweep()).toBe(1);
    await clock.moveTo(deadline + 300);
    await page.getByText("The sweeper has taken the item too.").waitFor();
    expect(await lanes()).toEqual([redis, checked, ["0.10 s after", "0.30 s after"]]);
    await expect.poll(() => page.getByRole("button", { name: "Start the race" }).isEnabled()).toBe(true);
  });

  it("fits a narrow window, in the dark, by keyboard alone", async () => {
    const page = await open({ viewport: { width: 320, height: 640 }, colorScheme: "dark", reducedMotion: "reduce" });
    await page.goto(stack.url);
    await page.getByLabel("E-mail").waitFor();
    await fits(page);
    await page.keyboard.type("keys@example.com");
    await page.keyboard.press("Enter");
    await page.getByLabel("The six-digit code").waitFor();
    await page.keyboard.type(await codeOf(stack, "keys@example.com"));
    await page.getByText("You are logged in as").waitFor();
    await homeIsDrawn(page);
    for (const [screen, drawn] of [
      ["Home", "Recent activity"],
      ["Chat", "Nothing was said yet."],
      ["Expiry race", "These are real reads of the real stores."],
    ] as const) {
      await page.getByRole("link", { name: screen }).focus();
      await page.keyboard.press("Enter");
      await page.getByText(drawn).waitFor();
      await fits(page);
      expect(await accessibility(page)).toEqual([]);
    }
    await page.getByRole("button", { name: "Start the race" }).click();
    await page.getByRole("row", { name: /^Redis/ }).waitFor();
    await fits(page);
  });

  it("says that it is offline, and that the service is unavailable, without logging anyone out", async () => {
    const page = await open();
    await logIn(page, stack, "offline@example.com");
    await homeIsDrawn(page);
    await openChat(page);
    // In a thread that exists: without one the request that fails is another one.
    await say(page, "Hello");
    await page.getByRole("button", { name: /the end of a turn/ }).waitFor();
    await page.getByLabel("Message", { exact: true }).fill("a draft");
    await page.context().setOffline(true);
    await notice(page, "You are offline.");
    await page.getByRole("button", { name: "Send" }).click();
    await notice(page, "The server cannot be reached.");
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("a draft");
    await page.context().setOffline(false);
    await expect.poll(() => page.locator("#notice").textContent()).toBe("");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("You have sent 2 messages in this thread.").waitFor();
  });

  it("says at once that a session has ended while the page was open, and what was typed is there after the login", async () => {
    const page = await open();
    await logIn(page, stack, "short@example.com");
    await homeIsDrawn(page);
    await openChat(page);
    await page.getByLabel("Message", { exact: true }).fill("half a thou");
    // At the deadline itself a request would still find the session, and move the deadline.
    await clock.moveBy(30 * MINUTE + 1000);
    await notice(page, "Your session has ended.");
    expect(await page.getByLabel("E-mail").inputValue()).toBe("short@example.com");
    await logIn(page, stack, "short@example.com");
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("half a thou");
  });

  it("asks again for a login of a while ago where it matters, and the session goes on", async () => {
    const page = await open();
    await logIn(page, stack, "late@example.com");
    await homeIsDrawn(page);
    await clock.moveBy(15 * MINUTE + 1);
    await page.getByRole("button", { name: "Log out everywhere" }).click();
    await notice(page, "For this, log in again.");
    await page.reload();
    await page.getByText("You are logged in as late@example.com.").waitFor();
    await page.getByRole("button", { name: "Log in again to see your devices" }).click();
    await logIn(page, stack, "late@example.com");
    await page.getByRole("listitem").filter({ hasText: "(this one)" }).waitFor();
  });

  it.skipIf(!redisUrl)("says that Redis has gone away, and logs nobody out", async () => {
    const proxy = await startProxy(new URL(redisUrl as string));
    const behind = await startTestStack({ redisUrl: new URL(`redis://127.0.0.1:${proxy.port}/13`) });
    try {
      const page = await (await openInRealTime()).newPage();
      await logIn(page, behind, "outage@example.com");
      await homeIsDrawn(page);
      await proxy.cut();
      await page.getByRole("button", { name: "Touch the session" }).click();
      await page.getByText("The service is unavailable at the moment. You are still logged in").waitFor();
      await page.getByText("You are logged in as outage@example.com.").waitFor();
      await go(page, "Chat");
      await page.getByText("The service is unavailable at the moment.").waitFor();
      await proxy.mend();
      await go(page, "Home");
      await page.getByRole("button", { name: "Touch the session" }).click();
      await page.getByText(/^Touched/).waitFor();
      expect((await page.context().cookies()).map(({ name }) => name)).toContain("__Host-tenure");
    } finally {
      await behind.close();
      await proxy.cut();
    }
  });
});
