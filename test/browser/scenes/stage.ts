/** The page that a scene is played on, and how it shows a state. */
import type { Page } from "playwright-core";
import type { HeldAgent } from "../../support/service/held-agent.ts";
import type { TestStack } from "../../support/service/stack.ts";
import type { Network } from "../network.ts";
import { logIn, notice } from "../site.ts";
import type { SiteClock } from "../site-clock.ts";

export interface Stage {
  page: Page;
  stack: TestStack;
  clock: SiteClock;
  network: Network;
  held: HeldAgent;
  /** Shows the page as it is, under a name of the table in states.ts, or under another. */
  take: (name: string) => Promise<unknown>;
}

export const EMAIL = "ada@example.com";
export const MINUTE = 60_000;

/** Waits until the session has ended, shows what the page says, and logs in again. */
export async function expire({ page, stack, clock, take }: Stage, name: string): Promise<void> {
  await clock.moveBy(31 * MINUTE);
  await notice(page, "Your session has ended.");
  await take(name);
  await logIn(page, stack, EMAIL);
}
