/** Checks when and where nodes work: in one process at a time, not after a cancel, and not in a process that was told to stop. */
import type { Effect } from "../graphs.ts";
import type { Ending, ThreadFacts, Violation } from "./ending.ts";

/** A graph that was stopped gets so long to end, in milliseconds. */
const GRACE_MS = 2500;
/** A run elsewhere hears of a cancel with its next heartbeat at the latest. */
const HEARTBEAT_MS = 15_000;

export function effectViolations(ending: Ending, { plan }: ThreadFacts): Violation[] {
  const effects = ending.journal.filter(({ thread }) => thread === plan.id);
  return [...twoHolders(ending, effects), ...afterCancel(ending, effects), ...whileStopping(ending, effects)];
}

/**
 * A run that goes on in one process after another one has done something in its thread. One that was frozen does not know yet; nor
 * does one that was told to stop and has the run again later.
 */
function twoHolders({ disruptions }: Ending, effects: Effect[]): Violation[] {
  const last = new Map<string, number>();
  for (const [n, { process, run, at, node }] of effects.entries()) {
    const before = last.get(`${process} ${run}`);
    last.set(`${process} ${run}`, n);
    const other = effects.slice(before ?? n, n).find((one) => one.process !== process);
    const isExcused =
      other && disruptions.some((one) => [process, other.process].includes(one.process) && one.from <= at);
    if (other && !isExcused)
      return [
        {
          invariant: "two-holders",
          detail: `${process} does ${node} of run ${run} after ${other.process} did ${other.node} of run ${other.run}`,
        },
      ];
  }
  return [];
}

function afterCancel({ seen, disruptions, plan }: Ending, effects: Effect[]): Violation[] {
  if (disruptions.some(({ kind }) => kind === "freezes" || kind === "yields") || plan.jumps.length > 0) return [];
  for (const { run, result, ended = 0, operation } of seen.cancels) {
    const until = ended + (operation.wait ? 0 : HEARTBEAT_MS);
    const late = result === "acked" ? effects.find((one) => one.run === run && one.at > until) : undefined;
    if (late)
      return [
        {
          invariant: "cancel-ignored",
          detail: `${late.process} does ${late.node} of ${operation.of} after ${operation.id}`,
        },
      ];
  }
  return [];
}

function whileStopping({ disruptions }: Ending, effects: Effect[]): Violation[] {
  for (const { process, kind, from, until, handedOver = from + GRACE_MS } of disruptions) {
    if (kind !== "yields" && kind !== "stops") continue;
    const late = effects.find((one) => one.process === process && one.at > handedOver && one.at < until);
    if (late) return [{ invariant: "works-when-stopped", detail: `${process} does ${late.node} of ${late.token}` }];
  }
  return [];
}
