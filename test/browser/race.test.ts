/** The expiry race, with a clock that the test moves past the deadline. */
import { describe, expect, it } from "vitest";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { Network } from "./network.ts";
import { accessibility, fits, go, homeIsDrawn, logIn, notice } from "./site.ts";

describe.skipIf(!chromiumPath)("the race in Chromium", () => {
  const site = Site.use();
  const { clock } = site;

  it("shows that after the deadline Redis and the checked read have nothing, and DynamoDB has the item until it is swept", async () => {
    const { stack } = site;
    const page = await site.open();
    await logIn(page, stack, "race@example.com");
    await go(page, "Expiry race");
    await page
      .getByText("Here the stores are an emulator of Redis and an emulator of DynamoDB on this machine")
      .waitFor();
    expect(await accessibility(page)).toEqual([]);
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

  it("has a chart whose letters are of one size at 320 px and at 1280 px", async () => {
    const sizes: number[][] = [];
    for (const width of [320, 1280]) {
      const page = await site.open({ viewport: { width, height: 700 } });
      await logIn(page, site.stack, `chart-${width}@example.com`);
      await go(page, "Expiry race");
      await page.getByRole("button", { name: "Start the race" }).click();
      await page.getByText("DynamoDB, as it comes").first().waitFor();
      await fits(page);
      sizes.push(
        await page
          .locator(".race text")
          .evaluateAll((texts) => texts.map((text) => Math.round(text.getBoundingClientRect().height))),
      );
      const [chart, ...texts] = await page
        .locator(".race svg, .race text")
        .evaluateAll((parts) => parts.map((part) => part.getBoundingClientRect().right));
      for (const right of texts) expect(right).toBeLessThanOrEqual(chart ?? 0);
    }
    expect(sizes[0]).toEqual(sizes[1]);
    expect(Math.min(...(sizes[0] ?? []))).toBeGreaterThanOrEqual(13);
  });

  it("stops when one leaves its page, and says so", async () => {
    const page = await site.open();
    await logIn(page, site.stack, "leaves@example.com");
    await go(page, "Expiry race");
    await page.getByRole("button", { name: "Start the race" }).click();
    await page.getByText("to the deadline.").waitFor();
    await go(page, "Home");
    await homeIsDrawn(page);
    await go(page, "Expiry race");
    await page.getByText("No race has begun").waitFor({ state: "detached" });
    await go(page, "Home");
    await clock.moveBy(1_000);
    await go(page, "Expiry race");
    await page.getByText("The race has stopped, since you have left its page.").waitFor();
    expect(await page.getByRole("button", { name: "Start the race" }).isEnabled()).toBe(true);
  });

  it("is found when the service tells late what it has, and asked for at its address", async () => {
    const { stack } = site;
    const page = await site.open({ viewport: { width: 320, height: 640 } });
    const network = await Network.of(page.context(), clock);
    await logIn(page, stack, "door@example.com");
    await homeIsDrawn(page);
    network.hold("/info");
    await page.goto(`${stack.url}/#/race`);
    await page.reload();
    await page.getByText("Loading the race…").waitFor();
    expect(await accessibility(page)).toEqual([]);
    network.answer(502, "/info");
    await page.reload();
    await page.getByRole("alert").filter({ hasText: "The service is unavailable at the moment." }).waitFor();
    await fits(page);
    expect(await accessibility(page)).toEqual([]);
    network.restore();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("No race has begun yet.").waitFor();
    await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: "Expiry race" }).waitFor();
  });

  it("begins one race for two presses, and says when it breaks off", async () => {
    const page = await site.open();
    const network = await Network.of(page.context(), clock);
    await logIn(page, site.stack, "races@example.com");
    await homeIsDrawn(page);
    await go(page, "Expiry race");
    network.slow(1_500, "/race");
    await page.getByRole("button", { name: "Start the race" }).dblclick();
    await page.getByText("Writing the record to both stores…").waitFor();
    await site.until(() => page.getByText("to the deadline.").isVisible());
    expect(network.count("POST", "/race")).toBe(1);
    network.answer(503, "/race");
    await site.until(() => page.getByText("The race has stopped.").isVisible());
    await notice(page, "The service is unavailable at the moment. You are still logged in");
    expect(await accessibility(page)).toEqual([]);
  });
});
