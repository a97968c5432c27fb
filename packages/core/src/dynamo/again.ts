import { TenureError } from "../errors.ts";

/** The number of concurrent writes that may come first, one after the other. */
const TRIES = 20;

/** Retries an optimistic write until no concurrent write beats it; throws `store-unavailable` when too many have. */
export async function untilDone<T>(attempt: () => Promise<T | "again">): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const done = await attempt();
    if (done !== "again") return done;
  }
  throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
}
