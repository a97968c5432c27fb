import { TenureError } from "../errors.ts";

/** So many others may come first, one after the other. */
const TRIES = 20;

/** Repeats what others may come in between of, until it is done. */
export async function untilDone<T>(attempt: () => Promise<T | "again">): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const done = await attempt();
    if (done !== "again") return done;
  }
  throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
}
