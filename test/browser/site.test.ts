/** The site in a real browser, screen by screen, with the real stack behind it. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { agent } from "../../packages/functions/src/graphs/agent.ts";
import { chromiumPath, redisUrl } from "../engines/found.ts";
import { startProxy } from "../engines/proxy.ts";
import { startTestStack, type TestStack } from "../engines/stack.ts";
import { launch } from "./launch.ts";
import { accessibility, codeOf, fits, go, logIn, say, watchFailures } from "./site.ts";

describe.skipIf(!chromiumPath)("the site in Chromium", () => {
  let stack: TestStack;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let failures: string[];
  beforeAll(async () => {
    stack = await startTestStack({}, { graphs: { agent } });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });
  const open = async (options = {}) => {
    context = await browser.newContext(options);
    context.setDefaultTimeout(10_000);
    failures = await watchFailures(context);
    page = await context.newPage();
  };
  beforeEach(() => open());
  afterEach(async () => {
    await context.close();
    expect(failures).toEqual([]);
  });

  const notice = (words: string) => page.locator("#notice", { hasText: words }).waitFor();

  it("leads in by a code and out at once, and no script can read the token", async () => {
    await page.goto(stack.url);
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
    expect(await page.locator("h1").evaluate((element) => element === document.activeElement)).toBe(true);

    const [cookie, ...others] = await context.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ name: "__Host-tenure", secure: true, httpOnly: true, sameSite: "Lax", path: "/" });
    expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).toBe(
      "{}",
    );

    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await notice("You are logged out.");
    expect(await context.cookies()).toEqual([]);
    expect((await stack.request("GET", "/auth/session", { token: cookie?.value ?? "" })).status).toBe(401);
  });

  it("shows both deadlines, devices and activity, and ends another browser's session", async () => {
    await logIn(page, stack, "devices@example.com");
    const elsewhere = await browser.newContext();
    const other = await elsewhere.newPage();
    await logIn(other, stack, "devices@example.com");
    await go(other, "Chat");
    await other.getByLabel("Message", { exact: true }).fill("I was typing this");

    await page.reload();
    await page.getByRole("listitem").filter({ hasText: "(this one)" }).waitFor();
    expect(await page.getByRole("list", { name: "Devices" }).getByRole("listitem").count()).toBe(2);
    await page.getByText(/^(29|30) minutes left, at/).waitFor();
    await page.getByText(/^1[12] hours left, at/).waitFor();
    await page.getByRole("list", { name: "Recent activity" }).getByText("Logged in").first().waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.getByRole("button", { name: "Touch the session" }).click();
    await page.getByText(/^Touched/).waitFor();

    await page.getByRole("button", { name: "Log out the others" }).click();
    await expect.poll(() => page.getByRole("list", { name: "Devices" }).getByRole("listitem").count()).toBe(1);
    await other.getByRole("button", { name: "Send" }).click();
    await other.locator("#notice", { hasText: "Your session has ended" }).waitFor();
    // What was typed, and where, is there again after the login.
    await logIn(other, stack, "devices@example.com");
    expect(await other.getByLabel("Message", { exact: true }).inputValue()).toBe("I was typing this");

    await page.getByRole("button", { name: "Log out everywhere" }).click();
    await notice("You are logged out.");
    await other.getByRole("button", { name: "Send" }).click();
    await other.locator("#notice", { hasText: "Your session has ended" }).waitFor();
    await elsewhere.close();
  });

  it("talks to the agent, asks for approval, survives a reload and a restart, and goes back in time", async () => {
    await logIn(page, stack, "chat@example.com");
    await go(page, "Chat");
    await page.getByText("Nothing was said yet.").waitFor();
    await say(page, "What is 6 * 7?");
    await page.getByText("42. I am Tenure's offline agent").waitFor();
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

    await say(page, "What is 7 * 8?");
    await page.getByText("What is 7 * 8?").waitFor();
    await page.reload();
    await page.getByText("56. I am Tenure's offline agent").waitFor();

    await stack.restart();
    await page.reload();
    await page.getByText("Saved: buy milk. I am").waitFor();

    // Back to where the first turn had ended, and on from there: the rest never happened.
    const strip = page.getByRole("list", { name: "Checkpoints" });
    const ends = strip.getByRole("button", { name: /the end of a turn/ });
    await ends.first().click();
    await page.getByText(/The next message goes on from here/).waitFor();
    expect(await page.getByText("Saved: buy milk. I am").count()).toBe(0);
    await say(page, "What is 2 * 3?");
    await page.getByText("6. I am Tenure's offline agent").waitFor();
    expect(await page.getByText("Saved: buy milk. I am").count()).toBe(0);

    await page.getByRole("link", { name: "New thread" }).click();
    await page.getByText("Nothing was said yet.").waitFor();
    await page.getByRole("link", { name: "What is 6 * 7?" }).click();
    await page.getByText("42. I am Tenure's offline agent").waitFor();
    await page.getByRole("button", { name: /Delete the thread/ }).click();
    await page.getByText("No threads yet.").waitFor();
  });

  it("races: after the deadline Redis and the checked read have nothing, and DynamoDB still has the item", {
    timeout: 60_000,
  }, async () => {
    await logIn(page, stack, "race@example.com");
    await go(page, "Expiry race");
    await page.getByRole("button", { name: "Start the race" }).click();
    await page.getByText("DynamoDB still has the item").waitFor({ timeout: 20_000 });
    const lastFound = async (name: string) => {
      const cell = await page
        .getByRole("row", { name: new RegExp(`^${name}`) })
        .getByRole("cell")
        .first()
        .textContent();
      const [, seconds, when] = /^([\d.]+) s (before|after)$/.exec(cell ?? "") ?? [];
      return Number(seconds) * (when === "before" ? -1 : 1);
    };
    expect(await lastFound("Redis")).toBeLessThanOrEqual(0);
    expect(await lastFound("DynamoDB, checked")).toBeLessThanOrEqual(0);
    expect(await lastFound("DynamoDB, as it comes")).toBeGreaterThan(0);
    expect(await accessibility(page)).toEqual([]);
  });

  it("fits a narrow window, in the dark, by keyboard alone", async () => {
    await context.close();
    await open({ viewport: { width: 320, height: 640 }, colorScheme: "dark", reducedMotion: "reduce" });
    await page.goto(stack.url);
    await fits(page);
    await page.getByLabel("E-mail").waitFor();
    await page.keyboard.type("keys@example.com");
    await page.keyboard.press("Enter");
    await page.getByLabel("The six-digit code").waitFor();
    await page.keyboard.type(await codeOf(stack, "keys@example.com"));
    await page.getByText("You are logged in as").waitFor();
    for (const screen of ["Home", "Chat", "Expiry race"]) {
      await page.getByRole("link", { name: screen }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1 }).waitFor();
      await fits(page);
      expect(await accessibility(page)).toEqual([]);
    }
    await page.getByRole("button", { name: "Start the race" }).click();
    await page.getByRole("row", { name: /^Redis/ }).waitFor();
    await fits(page);
  });

  it("says that it is offline, and that the service is unavailable, without logging anyone out", async () => {
    await logIn(page, stack, "offline@example.com");
    await go(page, "Chat");
    await page.getByLabel("Message", { exact: true }).fill("a draft");
    await context.setOffline(true);
    await page.getByRole("button", { name: "Send" }).click();
    await notice("The server cannot be reached.");
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("a draft");
    await context.setOffline(false);
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("I am Tenure's offline agent").waitFor();
  });
});

describe.skipIf(!chromiumPath)("a session that ends while the page is open", () => {
  it("is said at once, and what was typed is there after the login", async () => {
    const stack = await startTestStack({}, { sessionPolicy: { idleMs: 4000, touchEveryMs: 100 } });
    const browser = await launch();
    try {
      const page = await browser.newPage();
      await logIn(page, stack, "short@example.com");
      await go(page, "Chat");
      await page.getByLabel("Message", { exact: true }).fill("half a thou");
      const begun = Date.now();
      await page.getByText("Your session has ended.").waitFor();
      expect(Date.now() - begun).toBeLessThan(6000);
      await page.getByLabel("E-mail").waitFor();
      expect(await page.getByLabel("E-mail").inputValue()).toBe("short@example.com");
      await logIn(page, stack, "short@example.com");
      expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("half a thou");
    } finally {
      await browser.close();
      await stack.close();
    }
  });
});

describe.skipIf(!chromiumPath)("a login of a while ago", () => {
  it("is asked for again where it matters, and the session goes on", async () => {
    let aheadMs = 0;
    const stack = await startTestStack({}, { now: () => Date.now() + aheadMs });
    const browser = await launch();
    try {
      const page = await browser.newPage();
      await logIn(page, stack, "late@example.com");
      await page.getByRole("listitem").filter({ hasText: "(this one)" }).waitFor();
      aheadMs = 16 * 60_000;
      await page.getByRole("button", { name: "Log out everywhere" }).click();
      await page.locator("#notice", { hasText: "For this, log in again." }).waitFor();
      await page.reload();
      await page.getByText("You are logged in as late@example.com.").waitFor();
      await page.getByRole("button", { name: "Log in again to see your devices" }).click();
      await logIn(page, stack, "late@example.com");
      await page.getByRole("listitem").filter({ hasText: "(this one)" }).waitFor();
    } finally {
      await browser.close();
      await stack.close();
    }
  });
});

describe.skipIf(!chromiumPath || !redisUrl)("a Redis that goes away", () => {
  it("is said to be unavailable, and logs nobody out", async () => {
    const proxy = await startProxy(new URL(redisUrl as string));
    const stack = await startTestStack({ redisUrl: new URL(`redis://127.0.0.1:${proxy.port}/13`) });
    const browser = await launch();
    try {
      const page = await browser.newPage();
      await logIn(page, stack, "outage@example.com");
      await page.getByRole("list", { name: "Recent activity" }).getByText("Logged in").first().waitFor();
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
      expect((await page.context().cookies()).map(({ name }) => name)).toEqual(["__Host-tenure"]);
    } finally {
      await browser.close();
      await stack.close();
      await proxy.cut();
    }
  });
});
