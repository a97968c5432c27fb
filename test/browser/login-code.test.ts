/** The code of a login: it outlives a reload, is read as people paste it, and no key press costs a try of it. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, askCode, codeOf, wrongCode } from "./site.ts";

const MINUTE = 60_000;

describe.skipIf(!chromiumPath)("the login's code in Chromium", () => {
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
});
