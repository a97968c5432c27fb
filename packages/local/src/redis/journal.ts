/**
 * The embedded engine's data on disk: a line of the journal per command or script, with the new value of every key that it
 * changed. Memory never keeps what the journal has refused.
 */
import { type Journal, type JournalOptions, NotJournaled, openJournal } from "../journal/journal.ts";
import { printNotice } from "../notice.ts";
import type { Entry, Keyspace, Type, Values } from "./keyspace.ts";
import { ErrorReply } from "./reply.ts";
import { SortedSet } from "./sorted-set.ts";
import { Stream } from "./stream.ts";

/** Scores are text, since JSON has no infinity. */
type Stored = string | string[] | [string, string][] | StoredStream;
/** The last id, and the entries: their ids, names and values. Ids in decimal. */
type StoredStream = { last: string; entries: [id: string, fields: string[]][] };
/** A key alone is a deleted key. "stream+" has what was added to a stream that is there. */
type Change = [key: string] | [key: string, type: Type | "stream+", value: Stored, expireAt: number | null];

const TYPES: ReadonlySet<unknown> = new Set<Type>(["string", "hash", "set", "zset", "list", "stream"]);

export class RedisJournal {
  private readonly db: Keyspace;
  private readonly journal: Journal;
  /** True while memory has a change that the journal has refused. */
  private isAhead = false;
  /** The keys that were written before changes which are lost. */
  private readonly forgotten = new Set<string>();
  private hasSkipped = false;

  /** Reads what is there into `db`, and rewrites the file without what has expired. Throws `misconfigured`. */
  constructor(db: Keyspace, options: JournalOptions) {
    this.db = db;
    this.journal = openJournal(
      { apply: (changes) => this.apply(changes), skip: () => this.skip(), changes: () => this.changes() },
      options,
    );
    const count = [...this.forgotten].filter((key) => db.entry(key) === undefined).length;
    const { notice = printNotice } = options;
    if (count > 0) notice(`${count} keys of before that are gone too, since they may have ended in it: log in again`);
  }

  /** Writes the keys that a command has changed. Throws `MISCONF`, as Redis does, and takes the command back. */
  append(): void {
    const { db } = this;
    if (db.dirty.size === 0) return;
    const changes = [...db.dirty].map((key) => change(key, db.entry(key)));
    try {
      this.journal.append(JSON.stringify(changes));
    } catch (error) {
      this.isAhead = true;
      this.catchUp();
      throw misconf(error);
    }
    db.dirty.clear();
    this.journal.tidy();
  }

  /** To be called before a command. Throws `MISCONF` while memory has what the file has not. */
  catchUp(): void {
    if (!this.isAhead) return;
    this.db.entries.clear();
    this.db.dirty.clear();
    try {
      this.journal.reload();
      this.isAhead = false;
    } catch (error) {
      throw misconf(error);
    }
  }

  close(): void {
    this.journal.close();
  }

  private *changes(): Generator<string> {
    const { db } = this;
    for (const { value } of db.entries.values()) if (value instanceof Stream) value.journaled = 0;
    for (const key of db.keys()) yield JSON.stringify([change(key, db.entry(key))]);
  }

  private apply(changes: unknown): void {
    if (!Array.isArray(changes)) throw new Error("no list of changes");
    for (const one of changes) if (!isChange(one)) throw new Error("no change");
    for (const [key, type, value, expireAt] of changes as Change[]) {
      if (type === undefined || value === undefined) this.db.entries.delete(key);
      else if (type !== "stream+")
        this.db.entries.set(key, { type, value: load(type, value), expireAt: expireAt ?? undefined });
      else {
        const entry = this.db.entries.get(key);
        if (entry?.type === "stream") {
          grown(entry.value as Stream, value as StoredStream);
          entry.expireAt = expireAt ?? undefined;
        } else if (!this.hasSkipped) throw new Error("no stream to add to");
      }
    }
  }

  /** A lost change may be the end of any key: none that was written before outlives it. */
  private skip(): void {
    for (const key of this.db.entries.keys()) this.forgotten.add(key);
    this.db.entries.clear();
    this.hasSkipped = true;
  }
}

function misconf(error: unknown): ErrorReply {
  const why = error instanceof NotJournaled ? error.code : "damaged";
  return new ErrorReply(
    `MISCONF The journal cannot be written (${why}): nothing was changed. Commands that change data are refused.`,
  );
}

function isChange(one: unknown): one is Change {
  if (!Array.isArray(one) || typeof one[0] !== "string") return false;
  return one.length === 1 || (one.length === 4 && (one[1] === "stream+" || TYPES.has(one[1])));
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
  stream.journaled = stream.entries.length;
  return stream;
}
