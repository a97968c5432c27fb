/**
 * DynamoDB's condition and update expressions, evaluated on items as the document client has them. It knows the operators and
 * functions that DynamoDB documents, and paths into lists and maps where they are read; what it does not know it refuses by throwing.
 */
import { isDeepStrictEqual } from "node:util";

export type Item = Record<string, unknown>;

/** The operands of an expression: the item as it was, and what `#name` and `:value` stand for. */
export interface Scope {
  item: Item | undefined;
  names: Record<string, string>;
  values: Record<string, unknown>;
}

type Operand = (scope: Scope) => unknown;
type Condition = (scope: Scope) => boolean;
type Change = (scope: Scope, after: Item) => void;

const TOKEN = /\s*(<>|<=|>=|[=<>(),+-]|[#:]?\w+(?:\.#?\w+|\[\d+\])*)/y;

class Reader {
  private readonly tokens: string[] = [];
  private at = 0;

  constructor(source: string) {
    TOKEN.lastIndex = 0;
    for (let end = 0; source.slice(end).trim() !== ""; end = TOKEN.lastIndex) {
      const token = TOKEN.exec(source)?.[1];
      if (token === undefined) throw new Error(`no expression: ${source}`);
      this.tokens.push(token);
    }
  }

  get isAtEnd(): boolean {
    return this.at >= this.tokens.length;
  }

  /** The next token as a keyword, without taking it. */
  get word(): string {
    return (this.tokens[this.at] ?? "").toUpperCase();
  }

  next(): string {
    const token = this.tokens[this.at++];
    if (token === undefined) throw new Error("the expression ends too early");
    return token;
  }

  take(word: string): boolean {
    if (this.word !== word) return false;
    this.at += 1;
    return true;
  }

  expect(word: string): void {
    if (!this.take(word)) throw new Error(`expected ${word}, found ${this.word || "the end"}`);
  }

  list<T>(read: () => T): T[] {
    const all = [read()];
    while (this.take(",")) all.push(read());
    return all;
  }

  arguments<T>(read: () => T): T[] {
    this.expect("(");
    const all = this.list(read);
    this.expect(")");
    return all;
  }
}

const nameIn = ({ names }: Scope, token: string): string => {
  const name = token.startsWith("#") ? names[token] : token;
  if (name?.includes("[")) throw new Error(`a path is only read: ${token}`);
  if (name === undefined) throw new Error(`the expression's name ${token} is not given`);
  return name;
};

function operand(reader: Reader): Operand {
  const token = reader.next();
  if (token.startsWith(":"))
    return ({ values }) => {
      if (!(token in values)) throw new Error(`the expression's value ${token} is not given`);
      return values[token];
    };
  if (reader.word !== "(") return path(token);
  const args = reader.arguments(() => operand(reader));
  const [first = () => undefined, second = () => undefined] = args;
  if (token === "size") return (scope) => sizeOf(first(scope));
  if (token === "if_not_exists") return (scope) => first(scope) ?? second(scope);
  if (token === "list_append") return (scope) => [...(first(scope) as unknown[]), ...(second(scope) as unknown[])];
  throw new Error(`no operand: ${token}`);
}

/** An attribute, or what a path into it leads to: `#a`, `#a.b[2]`. */
function path(token: string): Operand {
  const [name = "", ...steps] = token.match(/#?\w+/g) ?? [];
  return (scope) => {
    let value: unknown = scope.item?.[nameIn(scope, name)];
    for (const step of steps) {
      if (typeof value !== "object" || value === null || value instanceof Uint8Array) return undefined;
      value = (value as Item)[nameIn(scope, step)];
    }
    return value;
  };
}

/** An operand and what is added to it or taken from it. */
function sum(reader: Reader): Operand {
  const left = operand(reader);
  const sign = reader.take("+") ? 1 : reader.take("-") ? -1 : 0;
  if (sign === 0) return left;
  const right = operand(reader);
  return (scope) => numberOf(left(scope)) + sign * numberOf(right(scope));
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw invalid("An operand in the update expression has an incorrect data type");
  return value;
}

const sizeOf = (value: unknown): number | undefined => {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length;
  if (value instanceof Set || value instanceof Map) return value.size;
  return typeof value === "object" && value !== null ? Object.keys(value).length : undefined;
};

const TYPES: Record<string, (value: unknown) => boolean> = {
  S: (value) => typeof value === "string",
  N: (value) => typeof value === "number" || typeof value === "bigint",
  B: (value) => value instanceof Uint8Array,
  BOOL: (value) => typeof value === "boolean",
  NULL: (value) => value === null,
  L: Array.isArray,
};

const FUNCTIONS: Record<string, (args: unknown[]) => boolean> = {
  attribute_exists: ([value]) => value !== undefined,
  attribute_not_exists: ([value]) => value === undefined,
  attribute_type: ([value, type]) => value !== undefined && TYPES[String(type)]?.(value) === true,
  begins_with: ([value, start]) => typeof value === "string" && value.startsWith(String(start)),
  contains: ([value, part]) =>
    typeof value === "string" ? value.includes(String(part)) : Array.isArray(value) && value.includes(part),
};

/** Below zero, zero or above for values of one type that has an order; undefined for all others. */
function order(a: unknown, b: unknown): number | undefined {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return undefined;
}

const isEqual = (a: unknown, b: unknown): boolean =>
  typeof a === "object" && a !== null ? (order(a, b) ?? (isDeepStrictEqual(a, b) ? 0 : 1)) === 0 : a === b;

const COMPARISONS: Record<string, (a: unknown, b: unknown) => boolean> = {
  "=": isEqual,
  "<>": (a, b) => !isEqual(a, b),
  "<": (a, b) => (order(a, b) ?? 1) < 0,
  "<=": (a, b) => (order(a, b) ?? 1) <= 0,
  ">": (a, b) => (order(a, b) ?? -1) > 0,
  ">=": (a, b) => (order(a, b) ?? -1) >= 0,
};

function disjunction(reader: Reader): Condition {
  const all = [conjunction(reader)];
  while (reader.take("OR")) all.push(conjunction(reader));
  return (scope) => all.some((one) => one(scope));
}

function conjunction(reader: Reader): Condition {
  const all = [negation(reader)];
  while (reader.take("AND")) all.push(negation(reader));
  return (scope) => all.every((one) => one(scope));
}

function negation(reader: Reader): Condition {
  if (!reader.take("NOT")) return primary(reader);
  const inner = negation(reader);
  return (scope) => !inner(scope);
}

function primary(reader: Reader): Condition {
  if (reader.take("(")) {
    const inner = disjunction(reader);
    reader.expect(")");
    return inner;
  }
  const called = FUNCTIONS[reader.word.toLowerCase()];
  if (called) {
    reader.next();
    const args = reader.arguments(() => operand(reader));
    return (scope) => called(args.map((one) => one(scope)));
  }
  const left = operand(reader);
  if (reader.take("IN")) {
    const all = reader.arguments(() => operand(reader));
    return (scope) => all.some((one) => isEqual(left(scope), one(scope)));
  }
  if (reader.take("BETWEEN")) {
    const from = operand(reader);
    reader.expect("AND");
    const to = operand(reader);
    return (scope) => (order(left(scope), from(scope)) ?? -1) >= 0 && (order(left(scope), to(scope)) ?? 1) <= 0;
  }
  const sign = reader.next();
  const compare = COMPARISONS[sign];
  if (!compare) throw new Error(`no comparison: ${sign}`);
  const right = operand(reader);
  return (scope) => {
    const [a, b] = [left(scope), right(scope)];
    return a !== undefined && b !== undefined ? compare(a, b) : sign === "<>";
  };
}

function changes(reader: Reader): Change[] {
  const all: Change[] = [];
  while (!reader.isAtEnd) {
    const verb = reader.next().toUpperCase();
    const read = CHANGES[verb];
    if (!read) throw new Error(`no update: ${verb}`);
    all.push(...reader.list(() => read(reader)));
  }
  return all;
}

const CHANGES: Record<string, (reader: Reader) => Change> = {
  SET: (reader) => {
    const name = reader.next();
    reader.expect("=");
    const value = sum(reader);
    return (scope, after) => {
      const set = value(scope);
      if (set === undefined)
        throw invalid("The provided expression refers to an attribute that does not exist in the item");
      after[nameIn(scope, name)] = set;
    };
  },
  REMOVE: (reader) => {
    const name = reader.next();
    return (scope, after) => delete after[nameIn(scope, name)];
  },
  ADD: (reader) => {
    const name = reader.next();
    const value = operand(reader);
    return (scope, after) => {
      const key = nameIn(scope, name);
      const before = scope.item?.[key];
      const added = value(scope);
      after[key] =
        added instanceof Set
          ? new Set([...((before as Set<unknown>) ?? []), ...added])
          : numberOf(before ?? 0) + numberOf(added);
    };
  },
};

const invalid = (message: string) => Object.assign(new Error(message), { name: "ValidationException" });

function cached<T>(parse: (reader: Reader) => T): (source: string) => T {
  const known = new Map<string, T>();
  return (source) => {
    const found = known.get(source);
    if (found !== undefined) return found;
    const reader = new Reader(source);
    const parsed = parse(reader);
    if (!reader.isAtEnd) throw new Error(`the expression goes on with ${reader.next()}: ${source}`);
    known.set(source, parsed);
    return parsed;
  };
}

const conditionOf = cached(disjunction);
const updateOf = cached(changes);

export const holds = (expression: string, scope: Scope): boolean => conditionOf(expression)(scope);

/** The item after an update; every operand is the one from before. */
export function updated(expression: string, scope: Scope): Item {
  const after = { ...scope.item };
  for (const change of updateOf(expression)) change(scope, after);
  return after;
}
