import { setTimeout } from "node:timers/promises";
import { OPERATIONS, type Opened, type Operation } from "./port.ts";

export type Trips = Partial<Record<Operation, string>>;

/** The number of times that each operation is counted; counts that differ are all given. */
const REPEATS = 5;
/** Milliseconds after an operation's answer in which round trips still count as its own. */
const SETTLE_MS = 30;

/** The user has two sessions when an operation begins. The first time of each is not counted: it loads scripts. */
export async function countTrips(peer: Opened, roundTrips: () => number): Promise<Trips> {
  const trips: Trips = {};
  for (const operation of OPERATIONS) {
    const run = peer.operations[operation];
    if (!run) continue;
    const counts = new Set<number>();
    for (let i = 0; i <= REPEATS; i++) {
      const user = `trips-${operation.replaceAll(" ", "-")}-${i}`;
      await peer.register(user);
      await peer.login(user);
      const credential = operation === "create" ? user : await peer.login(user);
      await setTimeout(SETTLE_MS);
      const before = roundTrips();
      await run(credential);
      await setTimeout(SETTLE_MS);
      if (i > 0) counts.add(roundTrips() - before);
    }
    trips[operation] = [...counts].sort((a, b) => a - b).join(" or ");
  }
  return trips;
}
