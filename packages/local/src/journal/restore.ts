/** Takes a journal's lines into its store: all of them or none; or, when damage is to be skipped, those that are whole. */
import { TenureError } from "@tenure/core/errors";
import { HEADER } from "./line.ts";
import { type Piece, readJournal } from "./read.ts";
import type { JournaledStore } from "./store.ts";

export interface Restored {
  version: 1 | 2;
  /** The number of lines, and the length of all of them with the first line of the file. */
  lines: number;
  bytes: number;
}

type Line = Extract<Piece, { kind: "line" }>;
type Notice = (line: string) => void;

/** Throws `misconfigured`, with the position and what to do, at the first damage. */
export function restore(store: JournaledStore, path: string, notice: Notice): Restored {
  let [lines, bytes] = [0, 0];
  const version = eachPiece(path, notice, (piece) => {
    const problem = piece.kind === "line" ? problemOf(store, piece, lines) : piece.why;
    if (problem) throw damaged(path, `${positionOf(piece)}: ${problem}`);
    lines += 1;
    bytes = piece.to;
  });
  return { version, lines, bytes: Math.max(bytes, HEADER.length + 1) };
}

function problemOf(store: JournaledStore, { number, change }: Line, before: number): string | undefined {
  if (number <= before) return `change ${number} is there twice, or after a later one`;
  if (number > before + 1) return `${changes(before + 1, number - 1)} missing before it`;
  return takesIn(store, change) ? undefined : "it cannot be read";
}

/** Goes on without what is damaged, and names it. Returns whether there was any. */
export function restoreWhole(store: JournaledStore, path: string, notice: Notice): boolean {
  const lines: Line[] = [];
  const problems: string[] = [];
  let isEndDamaged = false;
  eachPiece(path, notice, (piece) => {
    isEndDamaged = piece.kind === "damage";
    if (piece.kind === "damage") problems.push(`${positionOf(piece)}: ${piece.why}`);
    else if (lines.push(piece) !== piece.number) problems.push(`${positionOf(piece)} holds change ${piece.number}`);
  });
  let before = 0;
  for (const { number, change, line, from, to } of lines.sort((a, b) => a.number - b.number)) {
    if (number === before) continue;
    if (number > before + 1) {
      problems.push(`${changes(before + 1, number - 1)} lost`);
      store.skip();
    }
    before = number;
    if (takesIn(store, change)) continue;
    problems.push(`${positionOf({ line, from, to })} cannot be read: ${changes(number, number)} lost`);
    store.skip();
  }
  if (isEndDamaged) store.skip();
  if (problems.length > 0) notice(`${path} is damaged and was read without: ${list(problems)}`);
  return problems.length > 0;
}

/** Visits all but a torn end, which is told. Returns the journal's version. */
function eachPiece(path: string, notice: Notice, visit: (piece: Exclude<Piece, { kind: "torn" }>) => void): 1 | 2 {
  const reading = readJournal(path);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
    if (value.kind !== "torn") visit(value);
    else notice(`${path} ends within a line, as a crash leaves it: ${value.to - value.from} bytes were dropped`);
  }
}

function takesIn(store: JournaledStore, change: string): boolean {
  try {
    store.apply(JSON.parse(change));
    return true;
  } catch {
    return false;
  }
}

const SHOWN = 10;

function list(problems: string[]): string {
  const more = problems.length - SHOWN;
  return [...problems.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

const positionOf = ({ line, from, to }: Pick<Piece, "line" | "from" | "to">) => `line ${line} (bytes ${from} to ${to})`;
const changes = (first: number, last: number) =>
  first === last ? `change ${first} is` : `changes ${first} to ${last} are`;

/** A line for the operator: where the damage is, and what to do. */
export const damaged = (path: string, problem: string) =>
  new TenureError({
    tag: "misconfigured",
    problems: [
      `${path} is damaged: ${problem}. Put a copy of it in its place; or "npm start -- --skip-damage" goes on without what cannot ` +
        `be read, and names it; or "npm run reset" removes all local data`,
    ],
  });
