/** The way in: a code that outlives a reload, that is read as people paste it, and that no key press costs a try of. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, askCode, codeOf, fits, homeIsDrawn, logIn, notice, wrongCode } from "./site.ts";

const MINUTE = 60_000;

describe.skipIf(!chromiumPath)("the login in Chromium", () => {
  const site = Site.use({ limits: "on" });
  const { clock } = site;

  const field = (page: Page) => page.getByLabel("The six-digit code");
  const isIn = (page: Page, email: string) => page.getByText(`You are logged in as ${email}.`).waitFor();
  /** The requests that a page has sent to one of the API's paths. */
  async function counted(page: Page, path: string): Promise<() => number> {
    let count = 0;
    page.on("request", (request) => {
      if (new URL(request.url()).pathname === `/api${path}`) count += 1;
    });
    return () => count;
  }

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

  it("keeps the code's field over a reload, and counts down to the next code", async () => {
    const { stack } = site;
    const page = await site.open();
    await askCode(page, stack, "reload@example.com");
    const right = await codeOf(stack, "reload@example.com");
    await page.reload();
    await field(page).waitFor();
    await page.getByText("A code is on its way to reload@example.com.").waitFor();
    const resend = page.getByRole("button", { name: /^Send another code/ });
    await expect.poll(() => resend.textContent()).toBe("Send another code in 30 seconds");
    await clock.moveBy(10_000);
    await expect.poll(() => resend.textContent()).toBe("Send another code in 20 seconds");
    expect(await accessibility(page)).toEqual([]);

    // Back to the address and on again: the code is still good, and nothing is asked for.
    const asked = await counted(page, "/auth/code");
    await page.getByRole("button", { name: "Use another address" }).click();
    expect(await page.getByLabel("E-mail").inputValue()).toBe("reload@example.com");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await field(page).waitFor();
    expect(asked()).toBe(0);

    await clock.moveBy(20_000);
    await expect.poll(() => resend.textContent()).toBe("Send another code");
    await field(page).fill(right);
    await isIn(page, "reload@example.com");
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  it("finds the field again when a phone has dropped the tab while the mail was read, on any network", async () => {
    const { stack } = site;
    const page = await site.open({ viewport: { width: 375, height: 667 }, hasTouch: true, isMobile: true });
    const context = page.context();
    const network = await Network.of(context, clock);
    await askCode(page, stack, "phone@example.com");
    // The browser keeps this of a tab that it drops; the page itself is gone.
    const kept = await page.evaluate(() => ({ ...sessionStorage }));
    await page.close();
    await clock.moveBy(2 * MINUTE);
    const back = await context.newPage();
    await back.addInitScript((entries) => {
      for (const [name, value] of Object.entries(entries)) sessionStorage.setItem(name, value);
    }, kept);
    network.answer(502);
    await back.goto(stack.url);
    await back.getByRole("heading", { name: "Tenure does not answer" }).waitFor();
    network.restore();
    await back.getByRole("button", { name: "Try again" }).tap();
    await back.getByText("A code is on its way to phone@example.com.").waitFor();
    await back.getByText("It works for another 8 minutes.").waitFor();
    expect(network.count("POST", "/auth/code")).toBe(1);
    await field(back).fill(await codeOf(stack, "phone@example.com"));
    await isIn(back, "phone@example.com");
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

  it("offers another code when one has expired, also after a reload", async () => {
    const { stack } = site;
    const page = await site.open();
    await askCode(page, stack, "expired@example.com");
    const old = await codeOf(stack, "expired@example.com");
    await field(page).fill(wrongCode(old));
    await page.getByText("That is not the code. Tries left: 4.").waitFor();
    await clock.moveBy(10 * MINUTE + 1000);
    await page.getByText("This code has expired: send another one.").waitFor();
    expect(await page.getByText("Tries left").count()).toBe(0);
    await field(page).fill(old);
    await page.getByText("That code has expired or was used already. Ask for a new one.").waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.reload();
    expect(await page.getByLabel("E-mail").inputValue()).toBe("expired@example.com");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await field(page).waitFor();
    await field(page).fill(await codeOf(stack, "expired@example.com"));
    await isIn(page, "expired@example.com");
  });

  it.each([
    ["a sentence", (code: string) => `Your code is ${code}`],
    [
      "a mail with other numbers",
      (code: string) => `Your Tenure code is ${code}. It works for 10 minutes, until 12:10.`,
    ],
    [
      "full-width digits",
      (code: string) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    ],
    ["spaces", (code: string) => ` ${[...code].join(" ")} \n`],
  ])("reads a code that is pasted as %s", async (name, written) => {
    const { stack } = site;
    const page = await site.open();
    const email = `paste-${name.length}@example.com`;
    await askCode(page, stack, email);
    const text = written(await codeOf(stack, email));
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.evaluate((words) => navigator.clipboard.writeText(words), text);
    await field(page).focus();
    await page.keyboard.press("Control+V");
    await isIn(page, email);
  });

  it("costs one try for a wrong code, however often Enter is pressed", async () => {
    const { stack } = site;
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    await askCode(page, stack, "enter@example.com");
    const right = await codeOf(stack, "enter@example.com");
    network.hold("/auth/verify");
    await field(page).focus();
    await page.keyboard.type(wrongCode(right));
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Logging in…" }).waitFor();
    await page.keyboard.press("Enter");
    network.restore();
    await page.getByText("That is not the code. Tries left: 4.").waitFor();
    await field(page).focus();
    await page.keyboard.press("Enter");
    await page.getByText("This code was tried already, and is not right.").waitFor();
    await page.reload();
    await field(page).fill(wrongCode(right));
    await page.keyboard.press("Enter");
    await page.getByText("This code was tried already, and is not right.").waitFor();
    expect(network.count("POST", "/auth/verify")).toBe(1);
    await field(page).fill("12");
    await page.keyboard.press("Enter");
    await page.getByText("A code has six digits.").waitFor();
    expect(network.count("POST", "/auth/verify")).toBe(1);
    await field(page).fill(right);
    await isIn(page, "enter@example.com");
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
