/** The work that a function waits for before its invocation is over, since its process is frozen then. */
import type { AccountDeps } from "../account/deps.ts";
import type { Meter } from "./metrics.ts";

const SETTLE_MS = 5_000;

/** Puts on record and publishes what the invocation has left behind. */
export async function finish({ activity }: AccountDeps, meter: Meter): Promise<void> {
  await activity.flush(SETTLE_MS);
  meter.publish();
}
