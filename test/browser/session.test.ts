/** The page when nobody knows whether there is a session, when it ends, and when another tab changes it. */
import { describe, expect, it } from "vitest";
import { startTestStack } from "../support/service/stack.ts";
import { chromiumPath, redisUrl } from "../support/stores/found.ts";
import { startProxy } from "../support/stores/proxy.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, fits, go, homeIsDrawn, logIn, notice, openChat, say } from "./site.ts";

const MINUTE = 60_000;

describe.skipIf(!chromiumPath)("the page's session in Chromium", () => {
  const site = Site.use();
  const { clock } = site;

  it("says something before the first answer", async () => {
    const { stack } = site;
    const page = await site.open({ viewport: { width: 320, height: 640 } });
    const network = await Network.of(page.context(), clock);
    network.hold();
    await page.goto(stack.url);
    await page.getByRole("heading", { name: "Opening Tenure…" }).waitFor();
    await page.getByText("Finding out whether you are logged in.").waitFor();
    expect(await page.getByLabel("E-mail").count()).toBe(0);
    await fits(page);
    expect(await accessibility(page)).toEqual([]);
    network.restore();
    await page.getByLabel("E-mail").waitFor();
  });

  it("says so when the page's script does not come", async () => {
    const page = await site.open();
    await page.route("**/assets/index-*.js", (route) => route.fulfill({ status: 502, body: "" }));
    await page.goto(site.stack.url);
    const words = page.getByText("This takes long: a part of the page may not have come.");
    expect(await words.isVisible()).toBe(false);
    // Seconds later.
    await page.evaluate(() => {
      for (const one of document.getAnimations()) one.finish();
    });
    await words.waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.unroute("**/assets/index-*.js");
    await page.getByRole("link", { name: "Load it again" }).click();
    await page.getByLabel("E-mail").waitFor();
  });

  it.each([502, 503, 504] as const)(
    "asks nobody to log in because of %i on load, and goes on by itself",
    async (status) => {
      const { stack } = site;
      const page = await site.open({ viewport: { width: 375, height: 700 } });
      const network = await Network.of(page.context(), clock);
      await logIn(page, stack, `load-${status}@example.com`);
      await homeIsDrawn(page);
      network.answer(status);
      await page.reload();
      await page.getByRole("heading", { name: "Tenure does not answer" }).waitFor();
      await page.getByText("If you were logged in, you still are.").waitFor();
      await page.getByText("The page tries again by itself in 5 seconds.").waitFor();
      expect(await page.getByLabel("E-mail").count()).toBe(0);
      await fits(page);
      expect(await accessibility(page)).toEqual([]);
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByText("The page tries again by itself in 10 seconds.").waitFor();
      network.restore();
      await clock.moveBy(10_000);
      await page.getByText(`You are logged in as load-${status}@example.com.`).waitFor();
    },
  );

  it("opens by the button, and when the network is back", async () => {
    const { stack } = site;
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    network.answer(502);
    await page.goto(stack.url);
    await page.getByRole("heading", { name: "Tenure does not answer" }).waitFor();
    network.restore();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByLabel("E-mail").waitFor();
    network.answer(502);
    await page.reload();
    await page.getByRole("heading", { name: "Tenure does not answer" }).waitFor();
    network.restore();
    await page.context().setOffline(true);
    await page.context().setOffline(false);
    await page.getByLabel("E-mail").waitFor();
  });

  it("notices that another tab has logged in as somebody else, and shows nothing of the first user any more", async () => {
    const { stack } = site;
    const first = await site.open();
    await logIn(first, stack, "one@example.com");
    await homeIsDrawn(first);
    await openChat(first);
    await first.getByLabel("Message", { exact: true }).fill("a secret of one");
    await say(first, "Hello from one");
    await first.getByText("This is your first message in this thread.").waitFor();
    await first.getByRole("button", { name: /the end of a turn/ }).waitFor();
    await first.getByLabel("Message", { exact: true }).fill("a secret of one");

    const second = await first.context().newPage();
    await second.goto(stack.url);
    await second.getByText("You are logged in as one@example.com.").waitFor();
    await homeIsDrawn(second);
    await second.getByRole("button", { name: "Log out", exact: true }).click();
    await notice(second, "You are logged out.");
    await notice(first, "You are logged out: another tab has logged out.");
    await first.getByLabel("E-mail").waitFor();
    await logIn(second, stack, "two@example.com");
    await homeIsDrawn(second);
    await first.getByRole("navigation", { name: "Screens" }).waitFor();
    // The thread in the address was the first user's.
    expect(new URL(first.url()).hash).toBe("#/chat");
    await first.getByText("Nothing was said yet.").waitFor();
    expect(await first.locator("body").textContent()).not.toContain("of one");
    expect(await first.locator("body").textContent()).not.toContain("from one");
    await go(first, "Home");
    await first.getByText("You are logged in as two@example.com.").waitFor();
  });

  it("notices a change of user without a logout in between", async () => {
    const { stack } = site;
    const first = await site.open();
    await logIn(first, stack, "three@example.com");
    await homeIsDrawn(first);
    // A login in the same browser by a page that was opened before there was a session.
    const second = await first.context().newPage();
    await second.route("**/api/auth/session", (route) => route.fulfill({ status: 401, body: "" }), { times: 1 });
    await second.goto(stack.url);
    await logIn(second, stack, "four@example.com");
    await homeIsDrawn(second);
    await notice(first, "Another tab has logged in as four@example.com. This tab now shows what is theirs.");
    await first.getByText("You are logged in as four@example.com.").waitFor();
    expect(await accessibility(first)).toEqual([]);
  });

  it("says at once that a session has ended while the page was open, and what was typed is there after the login", async () => {
    const { stack } = site;
    const page = await site.open();
    await logIn(page, stack, "short@example.com");
    await homeIsDrawn(page);
    await openChat(page);
    await page.getByLabel("Message", { exact: true }).fill("half a thou");
    // At the deadline itself a request would still find the session, and move the deadline.
    await clock.moveBy(30 * MINUTE + 1000);
    await notice(page, "Your session has ended.");
    expect(await page.getByLabel("E-mail").inputValue()).toBe("short@example.com");
    expect(await page.getByRole("button", { name: "Log out" }).count()).toBe(0);
    expect(await accessibility(page)).toEqual([]);
    await logIn(page, stack, "short@example.com");
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("half a thou");
  });

  it("asks again when the page comes back as it was left", async () => {
    const { stack } = site;
    const page = await site.open();
    await page.goto(stack.url);
    await page.getByLabel("E-mail").waitFor();
    // A login of another tab, of which this one was told nothing while it was away.
    const asked = await stack.askCode("back@example.com");
    await page.evaluate(async (given) => {
      const headers = { "Content-Type": "application/json" };
      await fetch("/api/auth/verify", { method: "POST", headers, body: JSON.stringify(given) });
    }, asked);
    const comeBack = () => page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await comeBack();
    await page.getByText("You are logged in as back@example.com.").waitFor();
    await homeIsDrawn(page);
    await page.context().clearCookies();
    await comeBack();
    await notice(page, "Your session has ended.");
  });

  it("opens the home screen for an address that names no screen", async () => {
    const { stack } = site;
    const page = await site.open();
    await logIn(page, stack, "address@example.com");
    await homeIsDrawn(page);
    for (const name of ["__proto__", "constructor", "toString", "nowhere", "home/x", ""]) {
      await openChat(page);
      await page.evaluate((screen) => location.assign(`#/${screen}`), name);
      await page.getByText("You are logged in as address@example.com.").waitFor();
      expect(await page.getByRole("link", { name: "Home", exact: true }).getAttribute("aria-current")).toBe("page");
    }
    await homeIsDrawn(page);
  });

  it("is not skipped out of by the link that skips to the content", async () => {
    const { stack } = site;
    const page = await site.open();
    await logIn(page, stack, "skip@example.com");
    await homeIsDrawn(page);
    await openChat(page);
    await page.getByRole("link", { name: "Skip to the content" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate(() => location.hash)).toBe("#main");
    await page.getByRole("heading", { name: "Chat", level: 1 }).waitFor();
  });

  it.skipIf(!redisUrl)("says that Redis has gone away, and logs nobody out", async () => {
    const proxy = await startProxy(new URL(redisUrl as string));
    const behind = await startTestStack({ redisUrl: new URL(`redis://127.0.0.1:${proxy.port}/13`) });
    try {
      const page = await (await site.context()).newPage();
      await logIn(page, behind, "outage@example.com");
      await homeIsDrawn(page);
      await proxy.cut();
      await page.getByRole("button", { name: "Touch the session" }).click();
      await notice(page, "The service is unavailable at the moment. You are still logged in");
      await page.getByText("You are logged in as outage@example.com.").waitFor();
      await go(page, "Chat");
      await page.getByText("The service is unavailable at the moment.").first().waitFor();
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
