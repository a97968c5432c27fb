/** The home screen: deadlines by the stage's own policy, devices, activity, and the ways to end sessions. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import {
  accessibility,
  askCode,
  enterCode,
  fits,
  homeIsDrawn,
  homeShowsLogin,
  logIn,
  notice,
  openChat,
} from "./site.ts";

const MINUTE = 60_000;

describe.skipIf(!chromiumPath)("the home screen in Chromium", () => {
  // Another policy than the default, so that a constant of the page would show.
  const site = Site.use({ sessionPolicy: { idleMs: 20 * MINUTE, absoluteMs: 8 * 60 * MINUTE } });
  const { clock } = site;
  const devices = (page: Page) => page.getByRole("list", { name: "Devices" }).getByRole("listitem");
  const everywhere = async (page: Page) => {
    await page.getByRole("button", { name: "Log out everywhere" }).click();
    await page.getByRole("button", { name: "Log out all of them" }).click();
  };

  it("shows both deadlines, devices and activity, and ends other browsers' sessions", async () => {
    const { stack } = site;
    const [page, other, third] = [await site.open(), await site.open(), await site.open()];
    await logIn(page, stack, "devices@example.com");
    await logIn(third, stack, "devices@example.com");
    await homeIsDrawn(third);
    await logIn(other, stack, "devices@example.com");
    await homeIsDrawn(other);
    await openChat(other);
    await other.getByLabel("Message", { exact: true }).fill("I was typing this");

    await page.reload();
    await homeShowsLogin(page);
    await page.getByRole("listitem").filter({ hasText: "(this one)" }).waitFor();
    expect(await devices(page).count()).toBe(3);
    await page.getByText(/^20 minutes left, at/).waitFor();
    await page.getByText(/^8 hours left, at/).waitFor();
    await page.getByText("It is 8 hours after the login.").waitFor();
    await page.getByText("It is 20 minutes after the last use").waitFor();
    expect(await accessibility(page)).toEqual([]);
    // There is one way out of this session, whatever the screen.
    expect(await page.getByRole("button", { name: "Log out", exact: true }).count()).toBe(1);
    const touch = page.getByRole("button", { name: "Touch the session" });
    await clock.moveBy(MINUTE - 1);
    await touch.click();
    await page.getByText("Touched just before").waitFor();
    await clock.moveBy(1);
    await touch.click();
    await page.getByText("the idle deadline moved by 60 seconds, the absolute one stayed.").waitFor();

    await page
      .getByRole("button", { name: /^End the session of/ })
      .first()
      .click();
    await expect.poll(() => devices(page).count()).toBe(2);
    await page.getByRole("button", { name: "Log out the others" }).click();
    await notice(page, "Logged out: one device.");
    await expect.poll(() => devices(page).count()).toBe(1);
    await other.getByRole("button", { name: "Send" }).click();
    await notice(other, "Your session has ended");
    // The screen, and the text that was typed on it, are there again after the login.
    const listed = other.waitForResponse((response) => response.url().endsWith("/threads/search"));
    await Promise.all([logIn(other, stack, "devices@example.com"), listed]);
    expect(await other.getByLabel("Message", { exact: true }).inputValue()).toBe("I was typing this");

    await page.getByRole("button", { name: "Log out everywhere" }).click();
    await page.getByRole("dialog", { name: "Log out everywhere?" }).waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await homeIsDrawn(page);
    await everywhere(page);
    await notice(page, "You are logged out everywhere.");
    await other.getByRole("button", { name: "Send" }).click();
    await notice(other, "Your session has ended");
  });

  it("asks for a recent login where it matters, and then does what was asked for without a second question", async () => {
    const { stack } = site;
    const [page, other] = [await site.open(), await site.open()];
    await logIn(other, stack, "late@example.com");
    await logIn(page, stack, "late@example.com");
    await homeIsDrawn(page);
    await clock.moveBy(15 * MINUTE + 1);
    await page.reload();
    await page.getByText("You are logged in as late@example.com.").waitFor();
    await page.getByRole("button", { name: "Log in again to see your devices" }).click();
    await notice(page, "For this, log in again.");
    expect(await page.getByLabel("E-mail").inputValue()).toBe("late@example.com");
    await logIn(page, stack, "late@example.com");
    await page.getByRole("listitem").filter({ hasText: "(this one)" }).waitFor();

    await clock.moveBy(15 * MINUTE + 1);
    await everywhere(page);
    await notice(page, "For this, log in again.");
    // The screens may be gone again before anybody sees them.
    await askCode(page, stack, "late@example.com");
    await enterCode(page, stack, "late@example.com");
    await notice(page, "You are logged out everywhere.");
    await other.reload();
    await other.getByLabel("E-mail").waitFor();
  });

  it("says of each list that it cannot be read, and reads it again", async () => {
    const { stack } = site;
    const page = await site.open({ viewport: { width: 375, height: 700 } });
    const network = await Network.of(page.context(), clock);
    await logIn(page, stack, "lists@example.com");
    await homeIsDrawn(page);
    network.answer(503, "/activity");
    await page.reload();
    await page.getByRole("alert").filter({ hasText: "The service is unavailable at the moment." }).waitFor();
    await page.getByText("(this one)").waitFor();
    await fits(page);
    expect(await accessibility(page)).toEqual([]);
    network.restore();
    await page.getByRole("button", { name: "Try again" }).click();
    await homeIsDrawn(page);
    network.answer(429, "/activity");
    await page.reload();
    await page.getByRole("alert").filter({ hasText: "Too many requests. Try again in 42 seconds." }).waitFor();
    network.answer(502, "/auth/logout-others");
    await page.getByRole("button", { name: "Log out the others" }).click();
    await notice(page, "The service is unavailable at the moment. You are still logged in; try again shortly.");
    network.restore();
    await page.locator("#notice").getByRole("button", { name: "Try again" }).click();
    await notice(page, "There was no other device.");
  });

  it("ends sessions once on a slow network, however often the button is pressed", async () => {
    const { stack } = site;
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    await logIn(page, stack, "twice@example.com");
    await homeIsDrawn(page);
    network.slow(1_500);
    const button = page.getByRole("button", { name: /^Log(ging)? out the others/ });
    await button.dblclick();
    expect(await button.textContent()).toBe("Logging out the others…");
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true);
    await site.until(async () => (await button.textContent()) === "Log out the others");
    expect(network.count("POST", "/auth/logout-others")).toBe(1);
    const leave = page.getByRole("button", { name: /^Log(ging)? out(…)?$/ });
    await leave.dblclick();
    await site.until(() => page.getByLabel("E-mail").isVisible());
    expect(network.count("POST", "/auth/logout")).toBe(1);
  });

  it("shows a heading that has the focus otherwise than a field", async () => {
    const page = await site.open();
    await logIn(page, site.stack, "ring@example.com");
    await homeIsDrawn(page);
    await page.keyboard.press("Shift");
    const style = await page.locator("h1").evaluate((heading) => {
      const { outlineStyle, textDecorationLine } = getComputedStyle(heading);
      return { isFocused: heading === document.activeElement, outlineStyle, textDecorationLine };
    });
    expect(style).toMatchObject({ isFocused: true, outlineStyle: "none" });
    await openChat(page);
    await page.getByLabel("Message", { exact: true }).focus();
    const ring = await page
      .getByLabel("Message", { exact: true })
      .evaluate((one) => getComputedStyle(one).outlineStyle);
    expect(ring).toBe("solid");
  });
});
