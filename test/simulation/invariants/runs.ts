/** Every run that was acknowledged has one end, for which there is a reason; what was refused is not there. */
import type { Run } from "@tenure/core/thread";
import type { Sent } from "../workload/record.ts";
import { type Ending, enders, isBefore, runOf, type ThreadFacts, type Violation } from "./ending.ts";

export function runViolations({ seen }: Ending, facts: ThreadFacts): Violation[] {
  if (facts.isRemoved) return [];
  const found: Violation[] = [];
  for (const sent of facts.sent) {
    const run = runOf(facts, sent);
    const name = `${sent.operation.id} (${sent.operation.strategy})`;
    const cancels = seen.cancels.filter((one) => one.run === (run?.id ?? sent.run) && one.result !== "refused");
    if (sent.result === "refused" || sent.result === "not-applied") {
      if (run && !isStray(run))
        found.push({ invariant: "refused-but-there", detail: `${name} was ${sent.result}, and is ${run.status}` });
      continue;
    }
    if (!run) {
      const isRolledBack =
        cancels.some(({ operation }) => operation.action === "rollback") ||
        enders(facts, sent, ["rollback"]).length > 0;
      if (sent.result === "acked" && !isRolledBack)
        found.push({ invariant: "run-lost", detail: `${name} was acknowledged, and there is no record of it` });
      continue;
    }
    const isCutShort = sent.result !== "acked" && run.error?.message.includes("was cut short");
    if (run.status === "error" && !isExcused(run, facts) && !isCutShort)
      found.push({ invariant: "run-failed", detail: `${name}: ${JSON.stringify(run.error)}` });
    if (
      run.status === "interrupted" &&
      cancels.length === 0 &&
      enders(facts, sent, ["interrupt", "rollback"]).length === 0
    )
      found.push({ invariant: "interrupted-for-nothing", detail: name });
    if (run.status === "interrupted" && isToBeGone(facts, sent, cancels))
      found.push({ invariant: "rollback-forgotten", detail: `${name} is ${run.status} and not gone` });
  }
  const [newest] = unanswered(facts, seen.cancels);
  if (newest) found.push({ invariant: "newest-unanswered", detail: newest });
  return found;
}

/**
 * A record that no line ever had, and that says so. The request to store it can land once more after it was taken back; nobody was
 * told that it is there, and no node executes.
 */
const isStray = ({ status, attempt, error }: Run): boolean =>
  status === "error" && attempt === 0 && error?.message.includes("was cut short") === true;

/** A store that did not answer for long is a reason to fail; so is a fork of a checkpoint that was rolled back since. */
const isExcused = ({ error }: Run, { hasForks }: ThreadFacts): boolean =>
  error?.error === "store-unavailable" || hasForks;

const isToBeGone = (facts: ThreadFacts, sent: Sent, cancels: Ending["seen"]["cancels"]): boolean =>
  cancels.length > 0 &&
  cancels.every(({ operation, result }) => operation.action === "rollback" && result === "acked") &&
  enders(facts, sent, ["interrupt"]).length === 0;

/** Of the messages that end others, those that none came after: one of them is answered, if nobody has cancelled it. */
function unanswered(facts: ThreadFacts, cancels: Ending["seen"]["cancels"]): string[] {
  const ending = facts.sent.filter(
    ({ operation, result }) =>
      (operation.strategy === "interrupt" || operation.strategy === "rollback") &&
      result !== "refused" &&
      result !== "not-applied",
  );
  const newest = ending.filter((one) => !ending.some((other) => isBefore(one, other)));
  if (newest.length === 0 || facts.hasForks || facts.plan.style !== "chat") return [];
  const runs = newest.map((one) => runOf(facts, one));
  const isSpared = newest.some(
    (one, n) =>
      one.result !== "acked" ||
      cancels.some(({ run }) => run === (runs[n]?.id ?? one.run)) ||
      runs[n]?.status === "error",
  );
  if (isSpared || runs.some((run) => run?.status === "success")) return [];
  return [newest.map((one, n) => `${one.operation.id} is ${runs[n]?.status ?? "gone"}`).join(", ")];
}
