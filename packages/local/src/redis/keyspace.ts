import { addLongDoubles, DECIMAL } from "./long-double.ts";
import { ErrorReply, notFloat, notInteger, wrongType } from "./reply.ts";
import { SortedSet } from "./sorted-set.ts";
import { Stream } from "./stream.ts";

export interface Values {
  string: string;
  hash: Map<string, string>;
  set: Set<string>;
  zset: SortedSet;
  list: string[];
  stream: Stream;
}
export type Type = keyof Values;

export interface Entry<T extends Type = Type> {
  type: T;
  value: Values[T];
  /** Epoch milliseconds; the entry is gone once the clock is past it, as in Redis. */
  expireAt?: number | undefined;
}

const EMPTY: { [T in Type]: () => Values[T] } = {
  string: () => "",
  hash: () => new Map(),
  set: () => new Set(),
  zset: () => new SortedSet(),
  list: () => [],
  stream: () => new Stream(),
};

/**
 * The keys of one database. Expiry is decided at read time against `time`, which stands still during a
 * command or script. A caller that changes an entry in place calls `touched`, so that the journal sees it.
 */
export class Keyspace {
  time = 0;
  readonly entries = new Map<string, Entry>();
  readonly dirty = new Set<string>();
  /** Tells a message to those who listen to a channel; returns how many times it was told. */
  publish: (channel: string, message: string) => number = () => 0;

  entry(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry?.expireAt !== undefined && this.time > entry.expireAt) {
      this.entries.delete(key);
      return undefined;
    }
    return entry;
  }

  /** The value at `key`, or undefined when there is none. Throws WRONGTYPE when it is of another type. */
  get<T extends Type>(key: string, type: T): Values[T] | undefined {
    const entry = this.entry(key);
    if (entry === undefined) return undefined;
    if (entry.type !== type) throw wrongType();
    return entry.value as Values[T];
  }

  /** The value at `key` for changing it in place, made empty when there is none. */
  open<T extends Exclude<Type, "string">>(key: string, type: T): Values[T] {
    const found = this.get(key, type);
    if (found !== undefined) return found;
    const value = EMPTY[type]();
    this.entries.set(key, { type, value });
    return value;
  }

  set<T extends Type>(key: string, type: T, value: Values[T], expireAt?: number): void {
    this.entries.set(key, { type, value, expireAt });
    this.dirty.add(key);
  }

  /** To be called after a change in place: an emptied collection is deleted, as in Redis. */
  touched(key: string): void {
    this.dirty.add(key);
    const entry = this.entries.get(key);
    if (entry === undefined || entry.type === "string") return;
    const value = entry.value as Values[Exclude<Type, "string">];
    if ((Array.isArray(value) ? value.length : value.size) === 0) this.entries.delete(key);
  }

  delete(key: string): boolean {
    if (this.entry(key) === undefined) return false;
    this.entries.delete(key);
    this.dirty.add(key);
    return true;
  }

  keys(): string[] {
    return [...this.entries.keys()].filter((key) => this.entry(key) !== undefined);
  }
}

const INFINITY = /^[+-]?inf(inity)?$/i;
const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

/** A 64-bit integer as Redis reads one: no spaces, no plus sign, no leading zeros. */
export function integer(text: string | undefined): bigint {
  if (text === undefined || !/^(0|-?[1-9]\d{0,18})$/.test(text)) throw notInteger();
  return inRange(BigInt(text));
}

export function inRange(value: bigint): bigint {
  if (value > MAX || value < MIN) throw notInteger();
  return value;
}

export const int = (text: string | undefined): number => Number(integer(text));

export function isFloat(text: string): boolean {
  return DECIMAL.test(text) || INFINITY.test(text);
}

export function float(text = ""): number {
  if (!isFloat(text)) throw notFloat();
  return INFINITY.test(text) ? Infinity * (text.startsWith("-") ? -1 : 1) : Number(text);
}

/** A double as Redis 7.0 prints it in RESP2: C's "%.17g", integers plain. */
export function formatDouble(value: number): string {
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 52) return Object.is(value, -0) ? "-0" : String(value);
  return formatG(value, 17);
}

/** C's "%.<digits>g", which rounds an exact tie to even where JavaScript rounds it up. */
export function formatG(value: number, digits: number): string {
  // A whole number of so few digits is written as it is.
  if (Number.isInteger(value) && Math.abs(value) < 10 ** Math.min(digits, 15)) return String(value);
  const exact = value.toExponential(digits + 19);
  const cut = exact.indexOf("e") - 20;
  const tieToEven = /^50*$/.test(exact.slice(cut, cut + 20)) && Number(exact[cut - 1]) % 2 === 0;
  const rounded = tieToEven ? exact.slice(0, cut) + exact.slice(cut + 20) : value.toExponential(digits - 1);
  const [mantissa = "", exponent = "0"] = rounded.split("e");
  const power = Number(exponent);
  const trim = (text: string) => (text.includes(".") ? text.replace(/\.?0*$/, "") : text);
  if (power < -4 || power >= digits)
    return `${trim(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  const sign = mantissa.startsWith("-") ? "-" : "";
  const all = mantissa.replace(/[-.]/g, "");
  if (power < 0) return trim(`${sign}0.${"0".repeat(-power - 1)}${all}`);
  return trim(`${sign}${all.slice(0, power + 1)}.${all.slice(power + 1)}`);
}

/** Returns the sum that INCRBYFLOAT and HINCRBYFLOAT store, of two numbers that {@link float} accepts. */
export function addDecimals(a: string, b: string): string {
  const operands = [float(a), float(b)];
  // A long double ends near 1e4932; what lies beyond a double's range, Redis would still add.
  if (!operands.every(Number.isFinite)) throw new ErrorReply("ERR increment would produce NaN or Infinity");
  return addLongDoubles(a, b);
}

/** Redis' glob: `*`, `?`, `[a-c]`, `[^a]` and backslash. */
export function glob(pattern: string): RegExp {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    const close = char === "[" ? pattern.indexOf("]", i + 1) : -1;
    if (char === "*") source += "[^]*";
    else if (char === "?") source += "[^]";
    else if (close > i) {
      source += `[${pattern.slice(i + 1, close).replace(/[\\[]/g, "\\$&")}]`;
      i = close;
    } else {
      if (char === "\\" && i + 1 < pattern.length) i++;
      source += (pattern[i] as string).replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    }
  }
  return new RegExp(`^${source}$`);
}

/** A Redis range with negative indexes, clamped, as [from, to) of `length`. */
export function slice(start: string | undefined, stop: string | undefined, length: number): [number, number] {
  const from = int(start);
  const to = int(stop);
  const first = Math.max(from < 0 ? from + length : from, 0);
  const last = Math.min(to < 0 ? to + length : to, length - 1);
  return first > last ? [0, 0] : [first, last + 1];
}
