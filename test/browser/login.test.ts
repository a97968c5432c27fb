/** The main path in a real browser: log in, talk to the agent, approve, reload, log out. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath } from "../engines/found.ts";
import { startTestStack, type TestStack } from "../engines/stack.ts";
import { launch } from "./launch.ts";

describe.skipIf(!chromiumPath)("the site in Chromium", () => {
  let stack: TestStack;
  let browser: Browser;
  beforeAll(async () => {
    stack = await startTestStack();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  async function logIn(page: Page, email: string): Promise<void> {
    await page.goto(stack.url);
    await page.getByLabel("E-mail").fill(email);
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByLabel("The six-digit code").waitFor();
    const mailbox = await page.context().newPage();
    await mailbox.goto(`${stack.url}/dev/mail`);
    const code =
      /login code is (\d{6})/.exec((await mailbox.locator("article").first().textContent()) ?? "")?.[1] ?? "";
    await mailbox.close();
    await page.getByLabel("The six-digit code").fill(code);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText(`Logged in as ${email}`).waitFor();
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  }

  it("goes from login to logout", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const failures: string[] = [];
    page.on("pageerror", (error) => failures.push(error.message));

    await logIn(page, "ada@example.com");
    const [cookie, ...others] = await context.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ name: "__Host-tenure", secure: true, httpOnly: true, sameSite: "Lax", path: "/" });
    expect(await page.evaluate(() => document.cookie)).toBe("");
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(cookie?.value.split(".")[1]);

    await say(page, "What is 6 * 7?");
    await page.getByText("42. I am Tenure's offline agent").waitFor();
    await say(page, "Remember: buy milk");
    await page.getByText("May I call save_note?").waitFor();

    await page.reload();
    await page.getByText("May I call save_note?").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("Saved: buy milk. I am").waitFor();

    await stack.restart();
    await page.reload();
    await page.getByText("Saved: buy milk. I am").waitFor();

    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("You are logged out.").waitFor();
    expect(await context.cookies()).toEqual([]);
    const old = await stack.request("GET", "/auth/session", { token: cookie?.value ?? "" });
    expect([old.status, failures]).toEqual([401, []]);
    await context.close();
  });

  it("says what is wrong with a code, and when a session has ended elsewhere", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(stack.url);
    await page.getByLabel("E-mail").fill("eve@example.com");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByLabel("The six-digit code").fill("000000");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("That is not the code. Tries left: 4.").waitFor();

    await logIn(page, "eve@example.com");
    const [cookie] = await context.cookies();
    await stack.request("POST", "/auth/logout", { token: cookie?.value ?? "" });
    await say(page, "Still there?");
    await page.getByText("Your session has ended. Log in again.").waitFor();
    await context.close();
  });
});
