/**
 * A journal's lines as bytes. The first names the format; each of the others is `[number,"check",change]`, where `number` counts
 * from 1 and `check` is the CRC-32 of `number,change`. So a line that was changed, lost, repeated or moved shows.
 *
 * Journals of version 1 have no first line, no numbers and no checks: each line is a change.
 */
import { crc32 } from "node:zlib";

export const HEADER = '{"journal":"tenure","version":2}';

/** The version that a first line names, ours or another. */
export const versionOf = (bytes: Buffer): string | undefined =>
  /^\{"journal":"tenure","version":(\d{1,9})\}$/.exec(bytes.toString("latin1"))?.[1];

const CHECKED = /^\[(\d{1,15}),"([\da-f]{8})",/;
/** No longer than this is what stands before a line's change. */
const MOST_BEFORE = 32;
const OPENING = "[".charCodeAt(0);
const CLOSING = "]".charCodeAt(0);

export interface Line {
  /** The position of the line's change among all, from 1. */
  number: number;
  /** The change, as JSON. */
  change: string;
}

export const checkedLine = (number: number, change: string): Buffer =>
  Buffer.from(`[${number},"${hex(crc32(`${number},${change}`))}",${change}]\n`);

const hex = (check: number): string => check.toString(16).padStart(8, "0");

/** Reads a line without its newline; undefined when it is none or its check fails. */
export function parseLine(bytes: Buffer): Line | undefined {
  const start = startOf(bytes);
  if (!start || bytes.at(-1) !== CLOSING) return undefined;
  const change = bytes.subarray(start.length, -1);
  if (hex(crc32(change, crc32(`${start.number},`))) !== start.check) return undefined;
  return { number: start.number, change: change.toString("utf8") };
}

function startOf(bytes: Buffer): { number: number; check: string; length: number } | undefined {
  const [text = "", number = "", check = ""] = CHECKED.exec(bytes.toString("latin1", 0, MOST_BEFORE)) ?? [];
  return text ? { number: Number(number), check, length: text.length } : undefined;
}

/**
 * True when bytes after the last newline are the beginning of a line, which a crash leaves. A whole line with anything but a newline
 * after it is none: it was acknowledged. Nor are bytes that no line has.
 */
export function isTorn(bytes: Buffer, version: 1 | 2): boolean {
  // A power cut may leave a file that is longer than what was written to it.
  const written = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
  if (written.length === 0) return true;
  if (written[0] !== OPENING || !isText(written)) return false;
  return version === 1 ? !isJson(written.toString("utf8", 0, written.length - 1)) : !holdsLine(written);
}

function holdsLine(bytes: Buffer): boolean {
  const start = startOf(bytes);
  if (!start) return false;
  let sum = crc32(`${start.number},`);
  let from = start.length;
  for (let at = bytes.indexOf(CLOSING, from); at >= 0 && at < bytes.length - 1; at = bytes.indexOf(CLOSING, at + 1)) {
    sum = crc32(bytes.subarray(from, at), sum);
    if (hex(sum) === start.check) return true;
    from = at;
  }
  return false;
}

/** True for bytes that JSON could have: whole characters but perhaps the last, and no control characters. */
function isText(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return false;
  }
  return bytes.every((byte) => byte >= 0x20);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
