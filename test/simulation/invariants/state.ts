/** No input is lost or used twice, nothing is done that nobody has approved, and all of it can be read. */
import { whole } from "../graphs.ts";
import type { Sent } from "../workload/record.ts";
import { type Ending, runOf, type ThreadFacts, type Violation } from "./ending.ts";

export function stateViolations(ending: Ending, facts: ThreadFacts): Violation[] {
  const { plan, said, unreadable, isRemoved } = facts;
  const found = approvals(ending, facts);
  if (isRemoved) return found;
  if (unreadable.length > 0) found.push({ invariant: "unreadable", detail: `${unreadable}` });
  const twice = said.filter((one, n) => said.indexOf(one) < n);
  if (twice.length > 0) found.push({ invariant: "used-twice", detail: `${twice} in ${said}` });
  for (const token of new Set(facts.sent.map((one) => one.token))) found.push(...ofToken(facts, token));
  if (plan.style === "chat") found.push(...edits(ending, facts));
  else found.push(...wrongStatus(facts));
  return found;
}

/** A thread's status says what its state says: whether it waits for somebody. */
function wrongStatus({ thread, runs, questions, next, said }: ThreadFacts): Violation[] {
  if (!thread || said.length === 0 || runs.some(({ status }) => status === "error")) return [];
  const isWaiting = questions.length > 0 || next.length > 0;
  if (thread.status === (isWaiting ? "interrupted" : "idle")) return [];
  return [{ invariant: "wrong-status", detail: `${thread.status}, with ${next} to be done and ${questions} asked` }];
}

const partOf = (said: string[], token: string) => said.filter((one) => one === token || one.startsWith(`${token}.`));

function ofToken(facts: ThreadFacts, token: string): Violation[] {
  const { said, plan } = facts;
  const sent = facts.sent.filter((one) => one.token === token);
  const [first, last] = [sent[0] as Sent, sent.at(-1) as Sent];
  const wanted = whole(first.operation.graph, token, first.operation.steps);
  const part = partOf(said, token);
  const [run, lastRun] = [runOf(facts, first), runOf(facts, last)];
  const detail = `${token}: ${part} in ${said}`;
  if (part.some((one, n) => one !== wanted[n])) return [{ invariant: "torn", detail }];
  const from = said.indexOf(token);
  if (part.length > 0 && plan.style === "chat" && `${said.slice(from, from + part.length)}` !== `${part}`)
    return [{ invariant: "two-writers", detail }];
  const isWhole = part.length === wanted.length;
  if (plan.style === "chat") {
    if (run?.status === "success" && !isWhole && !isForkedAway(facts, first, part))
      return [{ invariant: "input-lost", detail: `${detail}, though it is a success` }];
    if (part.length > 0 && !run && first.result === "acked" && !facts.hasForks)
      return [{ invariant: "rolled-back-but-there", detail }];
    return [];
  }
  const isOver = facts.next.length === 0 && facts.questions.length === 0;
  return lastRun?.status === "success" && isOver && !isWhole ? [{ invariant: "input-lost", detail }] : [];
}

/** True when the thread may have gone on from a checkpoint that had this much of the message. */
const isForkedAway = ({ sent }: ThreadFacts, of: { token: string }, part: string[]): boolean =>
  sent.some(
    ({ base, token, result }) =>
      base && token !== of.token && result !== "refused" && partOf(base, of.token).length === part.length,
  );

function edits({ seen }: Ending, facts: ThreadFacts): Violation[] {
  return seen.edits
    .filter(
      ({ thread, result, token }) => thread === facts.plan.id && result === "acked" && !facts.said.includes(token),
    )
    .filter(({ token }) => !isForkedAway(facts, { token }, []))
    .map(({ token }) => ({ invariant: "edit-lost", detail: `${token} was acknowledged, and is not in ${facts.said}` }));
}

function approvals({ journal }: Ending, facts: ThreadFacts): Violation[] {
  const found: Violation[] = [];
  const first = facts.sent[0];
  for (const { thread, node, run, question, answer, process } of journal) {
    if (thread !== facts.plan.id) continue;
    if (node === "ask" && answer !== `ok:${question}`)
      found.push({ invariant: "one-answer-for-two", detail: `${question} was answered by ${answer} in ${process}` });
    const breaks = first && Object.keys(first.operation.breaks ?? {}).length > 0;
    if (node === "guarded" && first && breaks && runOf(facts, first)?.id === run)
      found.push({ invariant: "unapproved", detail: `run ${run} went through its breakpoint in ${process}` });
  }
  return found;
}
