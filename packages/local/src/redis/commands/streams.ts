import { int, type Keyspace } from "../keyspace.ts";
import { ErrorReply, type Reply, syntaxError } from "../reply.ts";
import { type Stream, type StreamEntry, streamId } from "../stream.ts";
import { type Commands, read, write } from "./command.ts";

const MAX_PART = 2n ** 64n - 1n;
const SHIFT = 64n;
const join = (ms: bigint, sequence: bigint): bigint => (ms << SHIFT) | sequence;
const MAX_ID = join(MAX_PART, MAX_PART);

const invalidId = () => new ErrorReply("ERR Invalid stream ID specified as stream command argument");

function part(text: string): bigint {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > MAX_PART) throw invalidId();
  return BigInt(text);
}

/** `ms-sequence`, or `ms` with the sequence that is given for it. */
function parseId(text: string, sequence: bigint): bigint {
  const [ms = "", rest, ...more] = text.split("-");
  if (more.length > 0) throw invalidId();
  return join(part(ms), rest === undefined ? sequence : part(rest));
}

/** A bound of a range: `-`, `+`, an id, or an id that is itself left out. */
function bound(text: string, side: "start" | "end"): bigint {
  if (text === "-") return 0n;
  if (text === "+") return MAX_ID;
  const isOpen = text.startsWith("(");
  const id = parseId(isOpen ? text.slice(1) : text, side === "start" ? 0n : MAX_PART);
  if (!isOpen) return id;
  if (side === "start" && id === MAX_ID) throw new ErrorReply("ERR invalid start ID for the interval");
  if (side === "end" && id === 0n) throw new ErrorReply("ERR invalid end ID for the interval");
  return side === "start" ? id + 1n : id - 1n;
}

function shown({ id, fields }: StreamEntry): Reply {
  return [streamId(id), [...fields]];
}

/** The id that XADD is to use; undefined when it cannot be given. */
function nextId(asked: string, stream: Stream | undefined, time: number): bigint {
  const last = stream?.last ?? 0n;
  if (asked === "*") {
    const now = join(BigInt(time), 0n);
    return now > last ? now : last + 1n;
  }
  if (/^\d+-\*$/.test(asked)) {
    const ms = part(asked.slice(0, -2));
    const lastMs = last >> SHIFT;
    if (ms < lastMs) throw tooSmall();
    return ms === lastMs && stream ? last + 1n : join(ms, ms === 0n ? 1n : 0n);
  }
  const id = parseId(asked, 0n);
  if (id <= last) throw tooSmall();
  return id;
}

const tooSmall = () =>
  new ErrorReply("ERR The ID specified in XADD is equal or smaller than the target stream top item");

/** `MAXLEN [=|~] count [LIMIT n]` or `MINID [=|~] id [LIMIT n]` at `at`; how many arguments it takes, and what it does. */
function trimming(args: string[], at: number): { length: number; apply: (stream: Stream) => number } {
  const kind = args[at]?.toUpperCase();
  const how = args[at + 1];
  const isMarked = how === "=" || how === "~";
  const threshold = args[at + (isMarked ? 2 : 1)];
  if (threshold === undefined) throw syntaxError();
  const isLimited = args[at + (isMarked ? 3 : 2)]?.toUpperCase() === "LIMIT";
  const length = (isMarked ? 3 : 2) + (isLimited ? 2 : 0);
  if (isLimited) {
    const limit = args[at + length - 1];
    if (limit === undefined) throw syntaxError();
    if (int(limit) < 0) throw new ErrorReply("ERR The LIMIT argument must be >= 0.");
    if (how !== "~") throw new ErrorReply("ERR syntax error, LIMIT cannot be used without the special ~ option");
  }
  if (kind === "MAXLEN") {
    const count = int(threshold);
    if (count < 0) throw new ErrorReply("ERR The MAXLEN argument must be >= 0.");
    // "~" allows more than asked for; whole nodes of a hundred are dropped only.
    return { length, apply: (stream) => drop(stream, how === "~" ? 0 : stream.entries.length - count) };
  }
  const least = parseId(threshold, 0n);
  return {
    length,
    apply: (stream) => drop(stream, how === "~" ? 0 : stream.entries.filter(({ id }) => id < least).length),
  };
}

function drop(stream: Stream, count: number): number {
  const dropped = stream.entries.splice(0, Math.max(0, count)).length;
  if (dropped > 0) stream.journaled = 0;
  return dropped;
}

/** Returns the number of entries with a smaller id. */
function rankOf({ entries }: Stream, id: bigint): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.id ?? 0n) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function range(
  db: Keyspace,
  key: string,
  from: bigint,
  to: bigint,
  count: number | undefined,
  descending: boolean,
): Reply {
  const stream = db.get(key, "stream");
  if (!stream) return [];
  if (count === 0) return null;
  const [first, end] = [rankOf(stream, from), rankOf(stream, to + 1n)];
  const most = Math.min(count ?? Infinity, end - first);
  if (most <= 0) return [];
  if (!descending) return stream.entries.slice(first, first + most).map(shown);
  return stream.entries
    .slice(end - most, end)
    .reverse()
    .map(shown);
}

function countOf([option, count, ...rest]: string[]): number | undefined {
  if (option === undefined) return undefined;
  if (option.toUpperCase() !== "COUNT" || count === undefined || rest.length > 0) throw syntaxError();
  return Math.max(0, int(count));
}

export const streams: Commands = {
  XADD: write(-5, (db, [key = "", ...args]) => {
    let makes = true;
    let trim: ReturnType<typeof trimming> | undefined;
    let at = 0;
    for (; at < args.length; ) {
      const option = (args[at] as string).toUpperCase();
      if (option === "NOMKSTREAM") {
        makes = false;
        at += 1;
      } else if (option === "MAXLEN" || option === "MINID") {
        trim = trimming(args, at);
        at += trim.length;
      } else break;
    }
    const [asked = "", ...fields] = args.slice(at);
    const isGiven = asked !== "*" && !/^\d+-\*$/.test(asked);
    const isZero = isGiven && parseId(asked, 0n) === 0n;
    if (fields.length < 2 || fields.length % 2 === 1)
      throw new ErrorReply("ERR wrong number of arguments for 'xadd' command");
    if (isZero) throw new ErrorReply("ERR The ID specified in XADD must be greater than 0-0");
    const known = db.get(key, "stream");
    if (!known && !makes) return null;
    const id = nextId(asked, known, db.time);
    const stream = db.open(key, "stream");
    stream.entries.push({ id, fields });
    stream.last = id;
    trim?.apply(stream);
    db.touched(key);
    return streamId(id);
  }),
  XLEN: read(2, (db, [key = ""]) => db.get(key, "stream")?.entries.length ?? 0),
  XRANGE: read(-4, (db, [key = "", start = "", end = "", ...rest]) => {
    const [from, to] = [bound(start, "start"), bound(end, "end")];
    return range(db, key, from, to, countOf(rest), false);
  }),
  XREVRANGE: read(-4, (db, [key = "", end = "", start = "", ...rest]) => {
    const [from, to] = [bound(start, "start"), bound(end, "end")];
    return range(db, key, from, to, countOf(rest), true);
  }),
  XDEL: write(-3, (db, [key = "", ...ids]) => {
    const stream = db.get(key, "stream");
    if (!stream) return 0;
    const wanted = new Set(ids.map((id) => parseId(id, 0n)));
    const before = stream.entries.length;
    stream.entries = stream.entries.filter(({ id }) => !wanted.has(id));
    if (stream.entries.length < before) {
      stream.journaled = 0;
      db.touched(key);
    }
    return before - stream.entries.length;
  }),
  XTRIM: write(-4, (db, [key = "", ...args]) => {
    const kind = args[0]?.toUpperCase();
    if (kind !== "MAXLEN" && kind !== "MINID") throw syntaxError();
    const trim = trimming(args, 0);
    if (trim.length < args.length) throw syntaxError();
    const stream = db.get(key, "stream");
    if (!stream) return 0;
    const dropped = trim.apply(stream);
    if (dropped > 0) db.touched(key);
    return dropped;
  }),
  /** Answers at once: nothing here may wait, as over REST. */
  XREAD: read(-4, (db, args) => {
    let at = 0;
    let count: number | undefined;
    for (; at < args.length; at += 2) {
      const option = (args[at] as string).toUpperCase();
      if (option === "STREAMS") break;
      if (option === "COUNT") count = int(args[at + 1]) > 0 ? int(args[at + 1]) : undefined;
      else if (option === "BLOCK") throw new ErrorReply("ERR BLOCK is not supported here");
      else throw syntaxError();
    }
    const rest = args.slice(at + 1);
    if (at >= args.length) throw syntaxError();
    if (rest.length === 0 || rest.length % 2 === 1)
      throw new ErrorReply("ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.");
    const keys = rest.slice(0, rest.length / 2);
    const afters = keys.map((key, i) => {
      const stream = db.get(key, "stream");
      const asked = rest[keys.length + i] as string;
      return asked === "$" ? (stream?.last ?? 0n) : parseId(asked, 0n);
    });
    const found = keys.flatMap((key, i): Reply[] => {
      const entries = range(db, key, (afters[i] as bigint) + 1n, MAX_ID, count, false) as Reply[];
      return entries.length > 0 ? [[key, entries]] : [];
    });
    return found.length > 0 ? found : null;
  }),
};
