/**
 * Goes through what all processes wrote down and looks for what must never be. It believes nothing of the store
 * except its answers, and claims nothing from an outcome that nobody knows: such a call may land at any instant after it
 * began, however late, and a session that it may yet bring into being is not held to be dead.
 */
import type { SessionPolicy } from "@tenure/core/session";
import type { Operation, Seen } from "./operations.ts";

export interface CheckOptions {
  policy: SessionPolicy;
  /** Milliseconds past its deadline by the reader's clock that a session may be let through: the grain of two clocks. */
  allowanceMs: number;
}

export interface Findings {
  operations: number;
  unknownOutcomes: number;
  /** Calls that were refused although nothing of the history had ended the session: it had expired. */
  refusedByTime: number;
  /** Calls that began after the end of a session had been seen, and were refused: what the promise is about. */
  refusedAfterEnd: number;
  violations: string[];
}

/** A session's part of the history. */
interface Life {
  /** When the last call that may have made it can have landed. */
  madeBy: number;
  root: string;
  /** When its end was first seen by somebody: nothing may find it alive that begins later. */
  deadFrom: number;
  /** Epoch milliseconds of the last instant at which each touch can have happened, with when its call began. */
  touches: { from: number; latest: number }[];
  found: { operation: Operation; seen?: Seen }[];
  missed: Operation[];
}

export function check(operations: Operation[], options: CheckOptions): Findings {
  const findings = { operations: operations.length, unknownOutcomes: 0, refusedByTime: 0, refusedAfterEnd: 0 };
  const violations: string[] = [];
  for (const user of new Set(operations.map(({ user }) => user))) {
    const history = operations.filter((one) => one.user === user);
    findings.unknownOutcomes += history.filter(({ answer }) => answer === undefined).length;
    const lives = livesOf(history);
    for (const operation of history) noteEnds(operation, lives);
    const proofs = proofsOf(history, lives);
    const contents = new Map<string, string>();
    for (const [id, life] of lives) {
      violations.push(...deadButFound(id, life), ...expiredButFound(id, life, proofs.get(life.root) ?? 0, options));
      violations.push(...torn(id, life, contents));
      for (const { startedAt } of life.missed)
        findings[startedAt > life.deadFrom ? "refusedAfterEnd" : "refusedByTime"] += 1;
    }
  }
  return { ...findings, violations };
}

/** Every session that a call may have made, and what was seen of it. */
function livesOf(history: Operation[]): Map<string, Life> {
  const lives = new Map<string, Life>();
  const lifeOf = (id: string, root = id): Life => {
    const life = lives.get(id) ?? { madeBy: 0, root, deadFrom: Infinity, touches: [], found: [], missed: [] };
    lives.set(id, life);
    return life;
  };
  // Lineage first: a call on a session can be written down before the one that made it.
  const parents = new Map(history.flatMap((one) => (one.verb === "rotate" ? [[one.to, one.id] as const] : [])));
  const rootOf = (id: string): string => {
    const parent = parents.get(id);
    return parent === undefined ? id : rootOf(parent);
  };

  for (const operation of history) {
    const { startedOn, endedAt, answer } = operation;
    const touched = (life: Life, seen?: Seen) =>
      life.touches.push({ from: startedOn, latest: seen ? seen.readAt : Infinity });
    const found = (life: Life, seen?: Seen) => life.found.push({ operation, ...(seen && { seen }) });
    switch (operation.verb) {
      case "create":
      case "rotate": {
        const id = operation.verb === "create" ? operation.id : operation.to;
        const life = lifeOf(id, rootOf(id));
        const seen = operation.answer?.session;
        if (answer && !seen) {
          lifeOf(operation.id, rootOf(operation.id)).missed.push(operation);
          break;
        }
        life.madeBy = Math.max(life.madeBy, answer ? endedAt : Infinity);
        touched(life, seen);
        if (seen) found(life, seen);
        break;
      }
      case "read":
      case "update": {
        const life = lifeOf(operation.id, rootOf(operation.id));
        const seen = operation.answer?.session;
        if (operation.verb === "read" && (seen || !answer)) touched(life, seen);
        if (seen) found(life, seen);
        else if (operation.verb === "update" && operation.answer?.stale) found(life);
        else if (answer) life.missed.push(operation);
        break;
      }
      case "revokeOthers":
        if (operation.answer?.ended !== undefined) found(lifeOf(operation.id, rootOf(operation.id)));
        break;
      case "list":
        for (const seen of operation.answer?.sessions ?? []) found(lifeOf(seen.id, rootOf(seen.id)), seen);
    }
  }
  return lives;
}

/** Takes down which sessions this call's answer says to be no more. */
function noteEnds(operation: Operation, lives: Map<string, Life>): void {
  const { answer, startedAt, endedAt } = operation;
  if (!answer) return;
  for (const [life, madeBy] of endsSeenBy(operation, lives))
    if (madeBy < startedAt) life.deadFrom = Math.min(life.deadFrom, endedAt);
}

/** Each with the instant by which it must have been there: a session yet to come is not ended by what came before. */
function* endsSeenBy(operation: Operation, lives: Map<string, Life>): Generator<[Life, number]> {
  const named = (id: string | undefined): [Life, number][] => {
    const life = lives.get(id ?? "");
    return life ? [[life, life.madeBy]] : [];
  };
  /** Sessions that come of another one by rotation end with it: there is nothing left to rotate. */
  const allBut = (kept?: string): [Life, number][] =>
    [...lives.values()]
      .filter(({ root }) => root !== kept)
      .map((life) => [life, lives.get(life.root)?.madeBy ?? Infinity]);

  switch (operation.verb) {
    case "revoke":
    case "rotate":
      yield* named(operation.id);
      break;
    case "create":
      yield* named(operation.replaces);
      break;
    case "read":
      if (!operation.answer?.session) yield* named(operation.id);
      break;
    case "update":
      if (!operation.answer?.session && !operation.answer?.stale) yield* named(operation.id);
      break;
    case "list": {
      const listed = new Set(operation.answer?.sessions.map(({ id }) => id));
      for (const id of lives.keys()) if (!listed.has(id)) yield* named(id);
      break;
    }
    case "revokeOthers":
      if (operation.answer?.ended === undefined) yield* named(operation.id);
      else yield* allBut(lives.get(operation.id)?.root);
      break;
    case "revokeAll":
      yield* allBut();
  }
}

/** By root: the last instant, in epoch milliseconds, at which its user can have proved who they are. */
function proofsOf(history: Operation[], lives: Map<string, Life>): Map<string, number> {
  const proofs = new Map<string, number>();
  for (const operation of history) {
    const { verb, answer } = operation;
    if (verb !== "create" && !(verb === "rotate" && operation.authenticated)) continue;
    const root = lives.get(operation.id)?.root ?? operation.id;
    const at = operation.answer?.session?.authenticatedAt ?? (answer ? 0 : Infinity);
    proofs.set(root, Math.max(proofs.get(root) ?? 0, at));
  }
  return proofs;
}

function* deadButFound(id: string, { found, deadFrom }: Life): Generator<string> {
  for (const { operation } of found)
    if (operation.startedAt > deadFrom)
      yield `${operation.verb} found ${id} alive ${(operation.startedAt - deadFrom).toFixed(1)} ms after its end was seen`;
}

function* expiredButFound(id: string, life: Life, proof: number, options: CheckOptions): Generator<string> {
  const { idleMs, absoluteMs } = options.policy;
  for (const { operation, seen } of life.found) {
    const { startedOn, endedOn, verb } = operation;
    const others = life.touches.filter(({ from }) => from <= endedOn);
    const lastTouch = Math.max(...others.map(({ latest }) => latest).filter((at) => at !== seen?.readAt));
    const deadline = Math.min(proof + absoluteMs, lastTouch + idleMs);
    // A session that is as new as this very call has no earlier touch to be judged by.
    if (Number.isFinite(lastTouch) && startedOn > deadline + options.allowanceMs)
      yield `${verb} found ${id} alive ${startedOn - deadline} ms after its deadline by the reader's clock`;
    if (!seen) continue;
    if (seen.readAt > seen.idleExpiresAt || seen.readAt > seen.absoluteExpiresAt)
      yield `${verb} found ${id} alive past the expiry that it states, by Redis' clock`;
    if (seen.idleExpiresAt !== Math.min(seen.lastSeenAt + idleMs, seen.absoluteExpiresAt))
      yield `${verb} of ${id}: the idle expiry is not the last touch and ${idleMs} ms`;
    if (seen.absoluteExpiresAt !== seen.authenticatedAt + absoluteMs)
      yield `${verb} of ${id}: the absolute expiry is not the last proof and ${absoluteMs} ms`;
  }
}

/** Revisions never go back, and one revision has one content. */
function* torn(id: string, { found, root }: Life, contents: Map<string, string>): Generator<string> {
  const answers = found.filter((one): one is { operation: Operation; seen: Seen } => one.seen !== undefined);
  let newest = -1;
  const ended = answers.toSorted((a, b) => a.operation.endedAt - b.operation.endedAt);
  let next = 0;
  for (const { operation, seen } of answers.toSorted((a, b) => a.operation.startedAt - b.operation.startedAt)) {
    for (; next < ended.length; next++) {
      const before = ended[next] as (typeof ended)[number];
      if (before.operation.endedAt >= operation.startedAt) break;
      newest = Math.max(newest, before.seen.revision);
    }
    if (seen.revision < newest) yield `${operation.verb} of ${id}: revision ${seen.revision} after ${newest} was seen`;
    const revision = `${root} ${seen.revision}`;
    const known = contents.get(revision);
    if (known !== undefined && known !== seen.data) yield `${operation.verb} of ${id}: two contents of one revision`;
    contents.set(revision, seen.data);
  }
}
