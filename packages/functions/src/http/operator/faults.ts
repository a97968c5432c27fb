/** Faults outside of this process, for the operator: one line a minute for each kind, and those that do not pass by themselves are counted. */
import type { Clock } from "@tenure/core/clock";
import type { StoreFault } from "@tenure/core/errors";
import type { Count } from "./metrics.ts";

const EVERY_MS = 60_000;
const MAX_KINDS = 1000;

interface Ways {
  count: Count;
  /** Takes one line of JSON for whoever runs this. */
  report: (line: string) => void;
  clock: Clock;
}

export type Outside = "redis" | "dynamodb" | "mail";

/** Takes a fault of a store or of the mail, whose words are fixed ones: no token, key, code, address or body is among them. */
export type ReportFault = (of: Outside, fault: StoreFault) => void;

/** Calls at most once a minute. */
export function rarely(clock: Clock, call: () => void): () => void {
  let last: number | undefined;
  return () => {
    if (last !== undefined && clock.now() - last < EVERY_MS) return;
    last = clock.now();
    call();
  };
}

/**
 * The events are `store-refused` and `mail-refused` for what an operator has to change, and `store-unavailable` and
 * `mail-unavailable` for what is likely to pass.
 */
export function faultsTo({ count, report, clock }: Ways): ReportFault {
  const reportedAt = new Map<string, number>();
  return (of, { operation, error, code, isPermanent }) => {
    if (isPermanent) count(of === "mail" ? "MailRefusals" : "StoreRefusals");
    // The words of a mail service may differ each time.
    const kind = of === "mail" ? `${of} ${isPermanent} ${code}` : `${of} ${error} ${code}`;
    const [now, last] = [clock.now(), reportedAt.get(kind)];
    if (last !== undefined && now - last < EVERY_MS) return;
    if (reportedAt.size >= MAX_KINDS) reportedAt.clear();
    reportedAt.set(kind, now);
    const event = `${of === "mail" ? "mail" : "store"}-${isPermanent ? "refused" : "unavailable"}`;
    const level = isPermanent ? "error" : "warn";
    report(JSON.stringify({ level, event, ...(of !== "mail" && { store: of }), operation, error, code }));
  };
}
