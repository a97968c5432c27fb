/** The way in, on any network; what a code is and how it is typed is in login-code.test.ts. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, askCode, codeOf, fits, homeIsDrawn, logIn, notice, wrongCode } from "./site.ts";

describe.skipIf(!chromiumPath)("the login in Chromium", () => {
  const site = Site.use({ limits: "on" });
  const { clock } = site;

  const field = (page: Page) => page.getByLabel("The six-digit code");
  const isIn = (page: Page, email: string) => page.getByText(`You are logged in as ${email}.`).waitFor();

  it("leads in by a code and out at once, and no script can read the token", async () => {
    const { stack } = site;
    const page = await site.open();
    await page.goto(stack.url);
    await page.getByLabel("E-mail").waitFor();
    await page.getByText("A login lasts 12 hours, or until it is not used for 30 minutes.").waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.keyboard.press("Enter");
    await field(page).waitFor();
    expect(await field(page).evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await field(page).getAttribute("autocomplete")).toBe("one-time-code");
    await page.getByText("It works for another 10 minutes.").waitFor();
    const mailbox = page.getByRole("link", { name: "its mailbox" });
    expect((await fetch(new URL((await mailbox.getAttribute("href")) ?? "", stack.url))).status).toBe(200);
    expect(await accessibility(page)).toEqual([]);

    const right = await codeOf(stack, "ada@example.com");
    await field(page).fill(wrongCode(right));
    await page.getByText("That is not the code. Tries left: 4.").waitFor();
    // Pasted with a space, as mail programs show it.
    await field(page).fill(`${right.slice(0, 3)} ${right.slice(3)}`);
    await isIn(page, "ada@example.com");
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

  it("names the mailbox on a laptop, as soon as the service has told, and none where mail is sent", async () => {
    const { stack } = site;
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    network.answer(502, "/info");
    await askCode(page, stack, "laptop@example.com");
    expect(await page.getByRole("link", { name: "its mailbox" }).count()).toBe(0);
    network.restore();
    await page.getByRole("button", { name: "Use another address" }).click();
    await page.getByText("A login lasts 12 hours").waitFor();
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByText("This server sends no mail: the code is in its mailbox and in the terminal.").waitFor();
    // A deployment tells of no mailbox.
    await page.route("**/api/info", async (route) => {
      const { local: _local, ...deployed } = (await (await route.fetch()).json()) as { local: unknown };
      await route.fulfill({ json: deployed });
    });
    const told = page.waitForResponse("**/api/info");
    await page.reload();
    await told;
    await page.getByText("A code is on its way to laptop@example.com.").waitFor();
    await page.getByRole("button", { name: "Use another address" }).click();
    await page.getByText("A login lasts 12 hours").waitFor();
    expect(await page.locator("main").textContent()).not.toContain("mailbox");
  });

  it("says of a code that another tab has asked for when the next one can be sent", async () => {
    const { stack } = site;
    const page = await site.open();
    await askCode(page, stack, "tabs@example.com");
    const other = await page.context().newPage();
    await other.goto(stack.url);
    await other.getByLabel("E-mail").fill("tabs@example.com");
    await other.keyboard.press("Enter");
    await other.getByText("A code was sent a moment ago, maybe from another tab").waitFor();
    const button = other.getByRole("button", { name: /^Send me a code/ });
    await expect.poll(() => button.textContent()).toBe("Send me a code in 30 seconds");
    expect(await button.isEnabled()).toBe(false);
    expect(await other.getByLabel("E-mail").inputValue()).toBe("tabs@example.com");
    expect(await accessibility(other)).toEqual([]);
    // At the very instant the service still refuses.
    await clock.moveBy(30_001);
    await expect.poll(() => button.textContent()).toBe("Send me a code");
    await button.click();
    await field(other).waitFor();
  });

  it("sends one code and logs in once on a slow network, and shows from the first press that it does", async () => {
    const { stack } = site;
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    await page.goto(stack.url);
    await page.getByLabel("E-mail").fill("slow@example.com");
    network.slow(1_500);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Sending…" }).waitFor();
    expect(await accessibility(page)).toEqual([]);
    await site.until(() => field(page).isVisible());
    expect(network.count("POST", "/auth/code")).toBe(1);
    await field(page).fill(await codeOf(stack, "slow@example.com"));
    await page.keyboard.press("Enter");
    await site.until(() => page.getByText("You are logged in as slow@example.com.").isVisible());
    expect(network.count("POST", "/auth/verify")).toBe(1);
    // Drawn before its lists are there.
    await page.getByText("Loading your devices…").waitFor();
    expect(await accessibility(page)).toEqual([]);
    await site.until(() => page.getByText("(this one)").isVisible());
  });

  it.each([502, 503] as const)(
    "keeps what was typed when the service answers %i, and goes on from there",
    async (status) => {
      const { stack } = site;
      const page = await site.open();
      const network = await Network.of(page.context(), clock);
      const email = `status-${status}@example.com`;
      await page.goto(stack.url);
      await page.getByLabel("E-mail").fill(email);
      network.answer(status);
      await page.keyboard.press("Enter");
      await page.getByText("The service is unavailable at the moment. Try again shortly.").waitFor();
      expect(await page.getByLabel("E-mail").inputValue()).toBe(email);
      expect(await accessibility(page)).toEqual([]);
      network.restore();
      await page.keyboard.press("Enter");
      await field(page).waitFor();
      const right = await codeOf(stack, email);
      network.answer(status, "/auth/verify");
      await field(page).fill(right);
      await page.getByText("The service is unavailable at the moment. Try again shortly.").waitFor();
      expect(await field(page).inputValue()).toBe(right);
      network.restore();
      await page.keyboard.press("Enter");
      await isIn(page, email);
    },
  );

  it("logs in when the answer to the right code is lost, since the cookie tells", async () => {
    const { stack } = site;
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    await askCode(page, stack, "lost@example.com");
    network.lose("/auth/verify");
    await field(page).fill(await codeOf(stack, "lost@example.com"));
    await isIn(page, "lost@example.com");
  });

  it("says that one is offline, and sends the code when the network is back", async () => {
    const { stack } = site;
    const page = await site.open({ viewport: { width: 320, height: 640 } });
    const email = `${"away".repeat(15)}@${"example".repeat(8)}.com`;
    await page.goto(stack.url);
    await page.getByLabel("E-mail").fill(email);
    await page.context().setOffline(true);
    await notice(page, "You are offline.");
    await page.keyboard.press("Enter");
    await page.getByText("You are offline. Try again when you are connected.").waitFor();
    await fits(page);
    expect(await accessibility(page)).toEqual([]);
    await page.context().setOffline(false);
    await page.keyboard.press("Enter");
    await field(page).waitFor();
    // However long an address is.
    await fits(page);
    await logIn(page, stack, email, { isAsked: true });
    await homeIsDrawn(page);
    await fits(page);
  });
});
