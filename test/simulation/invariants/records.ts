/** Nothing is left without a lifetime, but what users have: their threads with their checkpoints, and the lists of these. */
import type { Ending, ThreadFacts, Violation } from "./ending.ts";

export async function recordViolations({ table, redis }: Ending, all: ThreadFacts[]): Promise<Violation[]> {
  const living = new Set(all.filter(({ thread }) => thread).map(({ plan }) => plan.id));
  // Deleted threads at which the sweep looks once more.
  const looked = new Set(
    [...table.items()].filter(({ after }) => after === true).map(({ pk }) => pk.slice("thread#".length)),
  );
  const found: Violation[] = [];
  for (const { pk, sk, expiresAt, ...rest } of table.items()) {
    if (typeof expiresAt === "number" || pk === "tenure") continue;
    const id = /[0-9a-f-]{36}/.exec(pk.startsWith("owner#") ? sk : pk)?.[0] ?? "";
    const isThread = pk.startsWith("thread#") && sk === "thread";
    const isPlace = pk.startsWith("owner#");
    if (isThread && living.has(id)) continue;
    if (pk.startsWith("checkpoint#") && living.has(id)) continue;
    if ((sk === "deadline" || pk.startsWith("checkpoint#")) && looked.has(id)) continue;
    // A request to list a thread can land once more when the thread is gone. It goes with the account.
    if (isPlace && all.some(({ plan }) => plan.id === id)) continue;
    found.push({ invariant: "no-lifetime", detail: `${pk} ${sk}, ${JSON.stringify(rest).slice(0, 200)}` });
  }
  for (const key of (await redis.send(["KEYS", "*"])) as string[])
    if ((await redis.send(["PTTL", key])) === -1) found.push({ invariant: "no-lifetime", detail: `in Redis: ${key}` });
  return found;
}
