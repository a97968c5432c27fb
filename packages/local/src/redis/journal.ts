/**
 * The embedded engine's data on disk: one JSON line per command or script, holding the new value of every key
 * it changed. A line is written before the reply leaves, so a killed process loses nothing acknowledged; a
 * torn last line is a command that was never acknowledged, and is dropped. A power cut may lose the last lines.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import type { Entry, Keyspace, Type, Values } from "./keyspace.ts";
import { SortedSet } from "./sorted-set.ts";
import { Stream } from "./stream.ts";

/** Scores are text, since JSON has no infinity. */
type Stored = string | string[] | [string, string][] | StoredStream;
/** The last id, and the entries: their ids, names and values. Ids in decimal. */
type StoredStream = { last: string; entries: [id: string, fields: string[]][] };
/** A key alone is a deleted key. "stream+" has what was added to a stream that is there. */
type Change = [key: string] | [key: string, type: Type | "stream+", value: Stored, expireAt: number | null];

const COMPACT_ABOVE_BYTES = 8 * 1024 * 1024;

export class Journal {
  private readonly path: string;
  private file: number;
  private bytes = 0;
  private compactAbove = COMPACT_ABOVE_BYTES;

  /** Reads what is at `path` into `db`, and rewrites the file without what has expired. */
  constructor(path: string, db: Keyspace) {
    this.path = path;
    if (existsSync(path)) for (const line of readFileSync(path, "utf8").split("\n")) apply(db, line);
    this.file = this.rewrite(db);
  }

  /** Writes the dirty keys of `db` as one line, and forgets that they were dirty. */
  append(db: Keyspace): void {
    if (db.dirty.size === 0) return;
    const line = `${JSON.stringify([...db.dirty].map((key) => change(key, db.entry(key))))}\n`;
    db.dirty.clear();
    this.bytes += writeSync(this.file, line);
    if (this.bytes > this.compactAbove) {
      closeSync(this.file);
      this.file = this.rewrite(db);
    }
  }

  close(): void {
    fsyncSync(this.file);
    closeSync(this.file);
  }

  private rewrite(db: Keyspace): number {
    for (const { value } of db.entries.values()) if (value instanceof Stream) value.journaled = 0;
    const lines = db.keys().map((key) => `${JSON.stringify([change(key, db.entry(key))])}\n`);
    const next = `${this.path}.next`;
    writeFileSync(next, lines.join(""), { flush: true });
    renameSync(next, this.path);
    this.bytes = 0;
    this.compactAbove = Math.max(COMPACT_ABOVE_BYTES, 2 * lines.reduce((sum, line) => sum + line.length, 0));
    return openSync(this.path, "a");
  }
}

function change(key: string, entry: Entry | undefined): Change {
  if (!entry) return [key];
  const { expireAt = null } = entry;
  if (entry.type === "stream") return streamChange(key, entry.value as Stream, expireAt);
  return [key, entry.type, store(entry), expireAt];
}

/** A stream grows by many small commands: only what is new in it is written. */
function streamChange(key: string, stream: Stream, expireAt: number | null): Change {
  const { last, entries, journaled } = stream;
  const added: StoredStream = {
    last: String(last),
    entries: entries.slice(journaled).map(({ id, fields }) => [String(id), fields]),
  };
  stream.journaled = entries.length;
  return [key, journaled > 0 ? "stream+" : "stream", added, expireAt];
}

function store({ type, value }: Entry): Stored {
  if (type === "zset")
    return (value as SortedSet).ascending().map(([member, score]): [string, string] => [member, String(score)]);
  return typeof value === "string" ? value : ([...(value as string[] | Set<string> | Map<string, string>)] as Stored);
}

function load(type: Type, stored: Stored): Values[Type] {
  if (type === "hash") return new Map(stored as [string, string][]);
  if (type === "set") return new Set(stored as string[]);
  if (type === "stream") return grown(new Stream(), stored as StoredStream);
  if (type !== "zset") return stored as string | string[];
  const zset = new SortedSet();
  for (const [member, score] of stored as [string, string][]) zset.set(member, Number(score));
  return zset;
}

function grown(stream: Stream, { last, entries }: StoredStream): Stream {
  stream.last = BigInt(last);
  for (const [id, fields] of entries) stream.entries.push({ id: BigInt(id), fields });
  return stream;
}

function apply(db: Keyspace, line: string): void {
  let changes: Change[];
  try {
    changes = JSON.parse(line) as Change[];
  } catch {
    return;
  }
  for (const [key, type, value, expireAt] of changes) {
    if (type === undefined || value === undefined) db.entries.delete(key);
    else if (type === "stream+") {
      const entry = db.entries.get(key);
      if (entry?.type !== "stream") continue;
      grown(entry.value as Stream, value as StoredStream);
      entry.expireAt = expireAt ?? undefined;
    } else db.entries.set(key, { type, value: load(type, value), expireAt: expireAt ?? undefined });
  }
}
