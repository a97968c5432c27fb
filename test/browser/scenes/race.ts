/** The expiry race, before, while and after it runs. */
import { go, notice } from "../site.ts";
import { expire, type Stage } from "./stage.ts";

export async function race(stage: Stage): Promise<void> {
  const { page, clock, network, take } = stage;
  await go(page, "Expiry race");
  await page.getByText("No race has begun yet.").waitFor();
  await take("race-before");
  network.answer(503, "/race");
  await page.getByRole("button", { name: "Start the race" }).click();
  await notice(page, "The service is unavailable");
  await take("race-unavailable");
  network.restore();
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Start the race" }).click();
  await notice(page, "You are offline. Try again");
  await take("race-offline");
  await page.context().setOffline(false);
  network.hold("/race");
  await page.getByRole("button", { name: "Start the race" }).click();
  await page.getByText("Writing the record to both stores…").waitFor();
  await take("race-loading");
  network.restore();
  await page.getByText("11 seconds to the deadline.").waitFor();
  await take("race-running");
  const deadline = Math.ceil((clock.now() + 10_000) / 1000) * 1000;
  // The last read before the deadline, the first after it, and one some seconds on: one sees how the item lingers.
  for (const [ms, seen] of [
    [-60, "1 second to the deadline."],
    [140, "DynamoDB still has the item"],
    [7_140, "7.14 s after"],
  ] as const) {
    await clock.moveTo(deadline + ms);
    await page.getByText(seen).waitFor();
  }
  await take("race");
  await expire(stage, "race-expired");
}
