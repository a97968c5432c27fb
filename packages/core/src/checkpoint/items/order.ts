/**
 * The order of a namespace's checkpoints. Ids are made of the clock of the process that makes them, so they order checkpoints
 * as long as clocks agree. A checkpoint whose id does not sort above its parent's position is put at a position of its own: right
 * above its parent, and below every greater id. A position is a text, and positions sort as the keys of items do, so one query finds
 * the newest. The position of most checkpoints is their id, and nothing is stored of it.
 *
 *     ids       5   7   6 (a clock behind)   8        5   7   6   6a (behind still)   9
 *     positions    5   7   7#1#6                8        5   7   7#1#6   7#2#6a          9
 */
import { type CheckpointRef, decodePart, encodePart } from "./keys.ts";

/** How a checkpoint's position differs from its id: so many steps above the greatest id among those before it. */
export interface Shift {
  base: string;
  steps: number;
}

const STEP_DIGITS = 9;

/** Unique among the checkpoints of a namespace. */
export const positionOf = (checkpointId: string, shift?: Shift): string =>
  shift
    ? `${encodePart(shift.base)}#${String(shift.steps).padStart(STEP_DIGITS, "0")}#${encodePart(checkpointId)}`
    : encodePart(checkpointId);

/** Compares as DynamoDB does, by UTF-8 bytes. */
export const isAbove = (one: string, other: string): boolean =>
  Buffer.compare(Buffer.from(one), Buffer.from(other)) > 0;

/** The higher of two positions, of which undefined is none. */
export const higher = (one: string | undefined, other: string | undefined): string | undefined =>
  one === undefined || (other !== undefined && isAbove(other, one)) ? other : one;

/** The least shift that puts a checkpoint above a position; undefined when its id is above it. */
export function shiftAbove(checkpointId: string, position: string | undefined): Shift | undefined {
  if (position === undefined || position === "" || isAbove(positionOf(checkpointId), position)) return undefined;
  const [base = "", steps = "0"] = position.split("#");
  return { base: decodePart(base), steps: Number(steps) + 1 };
}

/** The id and the shift that a position was made of. */
export function parsePosition(position: string): { checkpointId: string; shift?: Shift | undefined } {
  const [base = "", steps, id] = position.split("#");
  if (steps === undefined || id === undefined) return { checkpointId: decodePart(base) };
  return { checkpointId: decodePart(id), shift: { base: decodePart(base), steps: Number(steps) } };
}

/** Ids of checkpoints that are near each other in the order, apart by whether their clocks were behind: ids of each list are near too. */
export function idsByClock(
  heads: { ref: CheckpointRef; head: { shift?: Shift | undefined } | undefined }[],
): [string[], string[]] {
  const lists: [string[], string[]] = [[], []];
  for (const { ref, head } of heads) lists[head?.shift ? 1 : 0].push(ref.checkpointId);
  return lists;
}
