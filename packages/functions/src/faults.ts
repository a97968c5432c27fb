/** Refusals of a store that do not pass by themselves: each is counted, and the operator is told of each kind once a minute. */
import type { Clock } from "@tenure/core/clock";
import type { Count } from "./metrics.ts";

const EVERY_MS = 60_000;

interface Ways {
  count: Count;
  /** Takes one line of JSON for whoever runs this. */
  report: (line: string) => void;
  clock: Clock;
}

/** `kind` is a word of the store's own, as WRONGPASS or AccessDeniedException are: no token, key or command. */
export function refusalsTo({ count, report, clock }: Ways): (store: "redis" | "dynamodb", kind: string) => void {
  const reportedAt = new Map<string, number>();
  return (store, kind) => {
    count("StoreRefusals");
    const [now, last] = [clock.now(), reportedAt.get(`${store} ${kind}`)];
    if (last !== undefined && now - last < EVERY_MS) return;
    reportedAt.set(`${store} ${kind}`, now);
    report(JSON.stringify({ level: "error", event: "store-refused", store, kind }));
  };
}
