/** Checks that all clients of a run are told the same: event numbers without reuse or hidden gap, and the end that is on record. */
import { whole } from "../graphs.ts";
import type { Told } from "../workload/record.ts";
import type { Ending, ThreadFacts, Violation } from "./ending.ts";

export function clientViolations(ending: Ending, facts: ThreadFacts): Violation[] {
  const all = ending.seen.told.filter(({ thread, run }) => thread === facts.plan.id && run !== "");
  const found = [...numbers(all), ...all.flatMap(gaps)];
  if (facts.isRemoved) return found;
  return [...found, ...all.flatMap((told) => ends(ending, facts, told))];
}

function numbers(all: Told[]): Violation[] {
  const known = new Map<string, { data: string; client: string }>();
  for (const { run, events, client } of all)
    for (const { id, event, data } of events) {
      const key = `${run} ${id}`;
      const before = known.get(key);
      const what = `${event} ${data}`;
      if (before && before.data !== what)
        return [
          {
            invariant: "number-reused",
            detail: `${id} is ${before.data} for ${before.client}, and ${what} for ${client}`,
          },
        ];
      known.set(key, { data: what, client });
    }
  return [];
}

function gaps({ events, after, client, token }: Told): Violation[] {
  let last = after;
  for (const { id, afterWord } of events) {
    if (id <= last) return [{ invariant: "number-repeated", detail: `${client} of ${token} has ${id} after ${last}` }];
    if (id > last + 1 && !afterWord)
      return [{ invariant: "hidden-gap", detail: `${client} of ${token} has ${id} after ${last}` }];
    last = id;
  }
  return [];
}

function ends({ reports }: Ending, facts: ThreadFacts, told: Told): Violation[] {
  const { client, token, events, result, statusThen, hasEnded } = told;
  if (!hasEnded) return [];
  const name = `${client} of ${token}`;
  const isBroken = reports.some((line) => line.includes("stream-broken") && line.includes(told.run));
  if (statusThen === "running" || statusThen === "pending")
    return [
      {
        invariant: isBroken ? "broken-without-a-word" : "left-early",
        detail: `${name} was told of the end while the run is ${statusThen}`,
      },
    ];
  const sent = facts.sent.find((one) => one.run === told.run || one.token === token);
  const run = sent && facts.runs.find(({ id }) => id === told.run);
  if (!sent || run?.status !== "success") return [];
  if (result?.error !== undefined || events.some(({ event }) => event === "error"))
    return [
      { invariant: "told-an-error", detail: `${name}: ${JSON.stringify(result?.error)}, and its record is a success` },
    ];
  if (facts.plan.style !== "chat" || facts.hasForks) return [];
  const wanted = whole(sent.operation.graph, token, sent.operation.steps);
  const isIn = (said: string[] | undefined) => wanted.every((one) => said?.includes(one));
  if (result && !isIn(result.values?.said))
    return [{ invariant: "stale-answer", detail: `${name} was told ${JSON.stringify(result.values?.said)}` }];
  if (
    !result &&
    !told.endsWithWord &&
    !events.some(({ event, data }) => event === "values" && isIn(JSON.parse(data).said)) &&
    told.after < 0
  )
    return [{ invariant: "end-not-told", detail: `${name} was told ${events.length} events, and not the last values` }];
  return [];
}

/** True for an error that the run has come to, and not for its being gone. */
const isOwnError = (error: unknown): boolean => error !== undefined && !JSON.stringify(error).includes("run-not-found");

/**
 * A run without a thread keeps nothing: what its client is told is all that there is of it, and what its nodes did. Admitted, it comes
 * to its end.
 */
export function statelessViolations({ seen, journal }: Ending): Violation[] {
  const found: Violation[] = [];
  const isOver = (token: string) => journal.some((one) => one.token === token && one.node === "answer");
  const failed = new Set(
    seen.told
      .filter(({ result, events }) => isOwnError(result?.error) || events.some(({ event }) => event === "error"))
      .map(({ token }) => token),
  );
  for (const { operation, result, token, run } of seen.sent)
    if (operation.stateless && result === "acked" && !seen.cancels.some((one) => one.run === run))
      if (!isOver(token) && !failed.has(token))
        found.push({ invariant: "stateless-lost", detail: `${token} was admitted, and did not come to its end` });
  for (const { stateless, hasEnded, client, token, graph, steps, run, result, events, endsWithWord } of seen.told) {
    if (
      !stateless ||
      !hasEnded ||
      endsWithWord ||
      result?.error !== undefined ||
      seen.cancels.some((one) => one.run === run)
    )
      continue;
    const wanted = whole(graph, token, steps);
    const isIn = (said: string[] | undefined) => wanted.every((one) => said?.includes(one));
    const isTold =
      isIn(result?.values?.said) || events.some(({ event, data }) => event === "values" && isIn(JSON.parse(data).said));
    if (!isTold)
      found.push({
        invariant: "stateless-lost",
        detail: `${client} was told ${JSON.stringify(result ?? events.at(-1))}`,
      });
  }
  return found;
}
