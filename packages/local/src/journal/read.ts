/** Reads a journal's file from its beginning to its end, as lines, damage and a torn end. Nothing of it is passed over in silence. */
import { closeSync, openSync, readSync } from "node:fs";
import { TenureError } from "@tenure/core/errors";
import { HEADER, isTorn, type Line, parseLine, versionOf } from "./line.ts";

/** Positions are counted in lines of the file, from 1, and in bytes, from 0. */
interface Position {
  line: number;
  from: number;
  to: number;
}

export type Piece = Position & (({ kind: "line" } & Line) | { kind: "damage"; why: string } | { kind: "torn" });

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = "\n".charCodeAt(0);

/**
 * Returns the version. An empty file is one of version 1, which wrote no first line. Throws `misconfigured` for a version that is
 * newer than this code.
 */
export function* readJournal(path: string): Generator<Piece, 1 | 2> {
  let version: 1 | 2 | undefined;
  let number = 0;
  for (const { bytes, isWhole, ...position } of rawLines(path)) {
    if (position.line === 1) {
      const isHeader = isWhole && bytes.equals(Buffer.from(HEADER));
      version = isHeader || bytes[0] !== "[".charCodeAt(0) ? 2 : 1;
      if (isHeader) continue;
      if (version === 2) {
        const other = isWhole ? versionOf(bytes) : undefined;
        if (other) throw new TenureError({ tag: "misconfigured", problems: [`${path} ${newer(other)}`] });
        yield { kind: "damage", why: "it does not begin as a journal does", ...position };
        continue;
      }
    }
    if (!isWhole) {
      yield isTorn(bytes, version ?? 1)
        ? { kind: "torn", ...position }
        : { kind: "damage", why: "its end is not that of a line", ...position };
    } else if (version === 1) {
      number += 1;
      yield { kind: "line", number, change: bytes.toString("utf8"), ...position };
    } else {
      const line = parseLine(bytes);
      yield line ? { kind: "line", ...line, ...position } : { kind: "damage", why: "its check fails", ...position };
    }
  }
  return version ?? 1;
}

const newer = (version: string) =>
  `is a journal of version ${version}, and this code reads 1 and 2: start the version of Tenure that has written it`;

/** The bytes between newlines; `to` is behind the newline. The last may be without one. */
function* rawLines(path: string): Generator<Position & { bytes: Buffer; isWhole: boolean }> {
  const file = openSync(path, "r");
  try {
    let open: Buffer[] = [];
    let [line, from, read] = [1, 0, 0];
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const size = readSync(file, chunk, 0, CHUNK_BYTES, read);
      if (size === 0) break;
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < size; end = chunk.indexOf(NEWLINE, start)) {
        const bytes = Buffer.concat([...open, chunk.subarray(start, end)]);
        open = [];
        const to = read + end + 1;
        yield { bytes, isWhole: true, line, from, to };
        line += 1;
        from = to;
        start = end + 1;
      }
      if (start < size) open.push(chunk.subarray(start, size));
      read += size;
    }
    if (open.length > 0) yield { bytes: Buffer.concat(open), isWhole: false, line, from, to: read };
  } finally {
    closeSync(file);
  }
}
