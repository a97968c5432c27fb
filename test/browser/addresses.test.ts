/** Addresses that no page has, and parts of the page that do not come: a person gets on, and a program is told. */
import { describe, expect, it } from "vitest";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, go, homeIsDrawn, logIn, notice } from "./site.ts";

const ASTRAY = "There is no page at the address that you came by.";

describe.skipIf(!chromiumPath)("addresses in Chromium", () => {
  const site = Site.use();

  it("gives a person the site at any path, which says so once, and goes on at its own address", async () => {
    const { stack } = site;
    const page = await site.open({ viewport: { width: 320, height: 640 } });
    await page.goto(`${stack.url}/no/such/page`);
    await notice(page, ASTRAY);
    expect(await accessibility(page)).toEqual([]);
    expect(page.url()).toBe(`${stack.url}/`);
    await logIn(page, stack, "astray@example.com");
    await homeIsDrawn(page);
    // With a way to a screen behind it, and a name that looks like a file's.
    await page.goto(`${stack.url}/old/index.php#/chat`);
    await page.getByText("Nothing was said yet.").waitFor();
    await notice(page, ASTRAY);
    expect(page.url()).toBe(`${stack.url}/#/chat`);
    await go(page, "Home");
    await expect.poll(() => page.locator("#notice").textContent()).toBe("");
    await page.reload();
    await homeIsDrawn(page);
    expect(await page.locator("#notice").textContent()).toBe("");
  });

  it("says the same at a path without a page while nobody knows of a session", async () => {
    const page = await site.open();
    const network = await Network.of(page.context(), site.clock);
    network.answer(502);
    await page.goto(`${site.stack.url}/no/such/page`);
    await page.getByRole("heading", { name: "Tenure does not answer" }).waitFor();
    await notice(page, ASTRAY);
  });

  it("answers programs, and all below /api, with a problem document", async () => {
    const person = "text/html,application/xhtml+xml,*/*;q=0.8";
    for (const [path, accept] of [
      ["/no/such/page", "*/*"],
      ["/no/such/page", "application/json"],
      ["/no/such/file.js", "*/*"],
      ["/api/no/such/route", person],
    ] as const) {
      const answer = await fetch(`${site.stack.url}${path}`, { headers: { Accept: accept } });
      expect([path, answer.status, answer.headers.get("Content-Type")]).toEqual([
        path,
        404,
        "application/problem+json",
      ]);
      expect(await answer.json()).toMatchObject({ type: "/api/problems/route-not-found" });
    }
    const posted = await fetch(`${site.stack.url}/no/such/page`, { method: "POST", headers: { Accept: person } });
    expect(posted.status).toBe(404);
    const looked = await fetch(`${site.stack.url}/no/such/page`, { method: "HEAD", headers: { Accept: person } });
    expect([looked.status, looked.headers.get("Content-Type")]).toEqual([200, "text/html; charset=utf-8"]);
  });

  it("keeps its own page when the chat's part does not come, offline and behind a gateway, until it does", async () => {
    const page = await site.open();
    const context = page.context();
    await logIn(page, site.stack, "parts@example.com");
    await homeIsDrawn(page);
    await context.setOffline(true);
    await go(page, "Chat");
    const again = page.getByRole("button", { name: "Try again" });
    const words = page.getByRole("alert").filter({ hasText: "You are offline. Try again when you are connected." });
    await words.waitFor();
    await again.click();
    await words.waitFor();
    await context.setOffline(false);
    // The module does not come, and neither does the page.
    await page.route("**/*", (route) => route.fulfill({ status: 502, contentType: "text/html", body: "Bad gateway" }));
    await again.click();
    await page.getByRole("alert").filter({ hasText: "The server cannot be reached." }).waitFor();
    expect(await accessibility(page)).toEqual([]);
    await page.unroute("**/*");
    await again.click();
    await page.getByText("Nothing was said yet.").waitFor();
  });
});
