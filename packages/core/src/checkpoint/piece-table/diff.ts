/** Compares bytes with those before, and finds the new ones. Pure: no I/O. */

/** A part of the new bytes: kept ones, as a range of the old bytes, or added ones, as a range of the new. */
export type Part = { kept: boolean; from: number; to: number };

const BLOCK = 4096;
/** The length in bytes below which a match between prefix and suffix is cheaper to store again than to refer to. */
const WORTH_KEEPING = 256;
/**
 * The lengths in bytes of an anchor, which is taken from the new at each fraction of `ANCHORS` and looked for in the old. Since much
 * repeats itself, up to `FINDS` places are tried for each; a short one that is in more places than that, as what comes with each message
 * is, is followed by a long one.
 */
const ANCHOR_LENGTHS = [32, 640];
const ANCHORS = [0.5, 0.25, 0.75, 0, 0.125, 0.375, 0.625, 0.875];
const FINDS = 8;
const MAX_SPLITS = 6;
/** The number of bytes of another value that are gone through for a part of a value, so that nobody is held up. */
const SEARCHED_BYTES = 64 * 1024 * 1024;

/**
 * How `after` is made of `before` and new bytes: their common prefix and suffix, and what is found of the old bytes in
 * between. That finds what was appended, trimmed, moved along as a window, or edited here and there.
 */
export function compare(before: Buffer, after: Buffer): Part[] {
  const shorter = Math.min(before.length, after.length);
  const prefix = commonPrefix(before, after, shorter);
  const suffix = commonSuffix(before, after, shorter - prefix);
  return [
    kept(0, prefix),
    ...between(before, [prefix, before.length - suffix], after, [prefix, after.length - suffix], 0),
    kept(before.length - suffix, before.length),
  ].filter(({ from, to }) => to > from);
}

/**
 * Parts of a range of the new bytes, some of which are in other bytes altogether: in any order, and as often as they like. A match is
 * as long as `WORTH_KEEPING` at least.
 */
export function findIn(
  others: Buffer,
  after: Buffer,
  from: number,
  to: number,
  budget = { bytes: SEARCHED_BYTES },
  splits = 0,
): Part[] {
  const added = [{ kept: false, from, to }];
  if (splits > MAX_SPLITS || to - from < WORTH_KEEPING || budget.bytes <= 0) return from < to ? added : [];
  const { was, is, length } = longestKept(others, after.subarray(from, to), budget);
  if (length < WORTH_KEEPING) return added;
  return [
    ...findIn(others, after, from, from + is, budget, splits + 1),
    kept(was, was + length),
    ...findIn(others, after, from + is + length, to, budget, splits + 1),
  ];
}

const kept = (from: number, to: number): Part => ({ kept: true, from, to });
type Range = [from: number, to: number];

function between(before: Buffer, old: Range, after: Buffer, fresh: Range, splits: number): Part[] {
  const [from, to] = fresh;
  const added = [{ kept: false, from, to }];
  if (splits > MAX_SPLITS || to - from < WORTH_KEEPING || old[1] - old[0] < WORTH_KEEPING) return added;
  const found = longestKept(before.subarray(...old), after.subarray(...fresh));
  if (found.length < WORTH_KEEPING) return added;
  const { length } = found;
  const [was, is] = [old[0] + found.was, from + found.is];
  return [
    ...between(before, [old[0], was], after, [from, is], splits + 1),
    kept(was, was + length),
    ...between(before, [was + length, old[1]], after, [is + length, to], splits + 1),
  ];
}

/** Bytes that both have, and where, as far as the anchors show them; it ends at half of the new, which is enough. */
function longestKept(
  before: Buffer,
  after: Buffer,
  budget = { bytes: Infinity },
): { was: number; is: number; length: number } {
  let longest = { was: 0, is: 0, length: 0 };
  for (const fraction of ANCHORS)
    for (const size of ANCHOR_LENGTHS) {
      const anchor = Math.max(0, Math.floor((after.length - size) * fraction));
      const wanted = after.subarray(anchor, anchor + size);
      let at = -1;
      for (let finds = 0; finds < FINDS; finds++) {
        const begin = at + 1;
        at = before.indexOf(wanted, begin);
        budget.bytes -= (at < 0 ? before.length : at) - begin;
        if (at < 0) break;
        const ahead = commonSuffix(before.subarray(0, at), after.subarray(0, anchor), Math.min(at, anchor));
        const rest = Math.min(before.length - at, after.length - anchor);
        const length = ahead + commonPrefix(before.subarray(at), after.subarray(anchor), rest);
        if (length > longest.length) longest = { was: at - ahead, is: anchor - ahead, length };
        if (longest.length * 2 >= after.length) return longest;
      }
      if (at < 0) break;
      if (budget.bytes <= 0) return longest;
    }
  return longest;
}

function commonPrefix(a: Buffer, b: Buffer, limit: number): number {
  let at = 0;
  while (at + BLOCK <= limit && a.compare(b, at, at + BLOCK, at, at + BLOCK) === 0) at += BLOCK;
  while (at < limit && a[at] === b[at]) at += 1;
  return at;
}

function commonSuffix(a: Buffer, b: Buffer, limit: number): number {
  const [endA, endB] = [a.length, b.length];
  let at = 0;
  while (at + BLOCK <= limit && a.compare(b, endB - at - BLOCK, endB - at, endA - at - BLOCK, endA - at) === 0)
    at += BLOCK;
  while (at < limit && a[endA - at - 1] === b[endB - at - 1]) at += 1;
  return at;
}
