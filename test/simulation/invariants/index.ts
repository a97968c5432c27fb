/**
 * The invariants of docs/run-protocol.md, checked once a history has come to rest: from what users saw, from what nodes did, and
 * from what a fresh process reads.
 */
import { ask } from "../workload/http.ts";
import { clientViolations, statelessViolations } from "./clients.ts";
import { effectViolations } from "./effects.ts";
import { type Ending, inFresh, type ThreadFacts, type Violation } from "./ending.ts";
import { recordViolations } from "./records.ts";
import { atRest, factsOf } from "./rest.ts";
import { runViolations } from "./runs.ts";
import { stateViolations } from "./state.ts";

export type { Disrupted, Ending, Violation } from "./ending.ts";

export async function violations(ending: Ending): Promise<Violation[]> {
  const { plan, seen } = ending;
  const found: Violation[] = seen.faults.map((detail) => ({ invariant: "failure", detail }));
  const stuck = await atRest(ending);
  found.push(...statelessViolations(ending));
  const all: ThreadFacts[] = [];
  for (const thread of plan.threads) all.push(await factsOf(ending, thread));
  for (const facts of all)
    found.push(
      ...runViolations(ending, facts),
      ...stateViolations(ending, facts),
      ...clientViolations(ending, facts),
      ...effectViolations(ending, facts),
    );
  if (stuck.length > 0) return [...found, ...stuck];
  found.push(...(await recordViolations(ending, all)));
  for (const facts of all) if (facts.thread) found.push(...(await probe(ending, facts)));
  return found;
}

/** A thread that is at rest takes a run, which ends well and is in the state then. */
async function probe(ending: Ending, { plan }: ThreadFacts): Promise<Violation[]> {
  const { fresh } = ending;
  const token = "probe";
  const body = {
    assistant_id: "chat",
    input: { said: [token], token, steps: 1, pace: 0 },
    multitask_strategy: "reject",
  };
  const path = `/threads/${plan.id}/runs/wait`;
  const answer = await inFresh(ending, () =>
    ask(fresh.process, fresh, { method: "POST", path, body }).catch(() => undefined),
  );
  if (answer?.status === 200 && answer.text.includes(`${token}.answer`)) return [];
  return [{ invariant: "no-further-run", detail: `${answer?.status ?? "no answer"} ${answer?.text ?? ""}` }];
}
