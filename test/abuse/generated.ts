/** Requests made of the API's own description: valid ones, nearly valid ones and absurd ones, by a seed. */

type Json = unknown;
interface Schema {
  type?: string | string[];
  enum?: Json[];
  const?: Json;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  prefixItems?: Schema[];
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  format?: string;
}
interface Parameter {
  name: string;
  in: "path" | "query";
  required: boolean;
  schema: Schema;
}
interface Operation {
  summary: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
export interface Description {
  paths: Record<string, Record<string, Operation>>;
}
export interface Generated {
  /** The route, by its method and its path as it is described. */
  route: string;
  how: How;
  method: string;
  path: string;
  body?: string;
}
type How = "valid" | "nearly valid" | "absurd";

/** Ids of what is there, which make a request go further. */
export type Known = Record<string, string[]>;

class Chance {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0 || 1;
  }
  /** Mulberry32. */
  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }
  below(n: number): number {
    return Math.floor(this.fraction() * n);
  }
  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
  is(odds: number): boolean {
    return this.fraction() < odds;
  }
}

const ODD_TEXTS = [
  "",
  " ",
  ".",
  "..",
  "../..",
  "[",
  "{",
  '"',
  "null",
  "undefined",
  "0",
  "-1",
  "__proto__",
  "constructor",
  "\u0000",
  "\u00a0x",
  "\ud800",
  "\uffff",
  "é",
  "👩‍👩‍👧‍👧",
  "%",
  "%00",
  "a/b",
  "a#b",
  "$eq",
  "*",
  "2026-13-45",
  "'; DROP TABLE x; --",
  "x".repeat(3000),
  "é".repeat(20_000),
];
const ODD_NUMBERS = [0, -1, 1, 0.5, 1e300, -1e300, 2 ** 53, -(2 ** 53), 1e-300, 2 ** 31, 2 ** 63];
const oddValue = (chance: Chance): Json =>
  chance.pick<() => Json>([
    () => null,
    () => true,
    () => [],
    () => ({}),
    () => chance.pick(ODD_TEXTS),
    () => chance.pick(ODD_NUMBERS),
    () => [[[[[[[]]]]]]],
    () => Array.from({ length: 300 }, (_, n) => n),
    () => ({ [chance.pick(ODD_TEXTS)]: chance.pick(ODD_TEXTS) }),
    () => Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n])),
    () => ({ lc: 1, type: "constructor", id: ["langchain_core", "messages", "HumanMessage"], kwargs: {} }),
    () => JSON.parse(`${"[".repeat(60)}${"]".repeat(60)}`),
    () => "x".repeat(chance.pick([1e4, 1e5, 1e6])),
  ])();

/** A value that a schema takes, as far as the schema says. Names of fields are hints: ids are of what is there. */
function valid(schema: Schema, chance: Chance, known: Known, name = "", depth = 0): Json {
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return valid(chance.pick(options), chance, known, name, depth);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((one) => valid(one, chance, known, name, depth)));
  if ("const" in schema) return schema.const;
  if (schema.enum) return chance.pick(schema.enum);
  const type = Array.isArray(schema.type) ? chance.pick(schema.type) : schema.type;
  switch (type) {
    case "null":
      return null;
    case "boolean":
      return chance.is(0.5);
    case "integer":
    case "number": {
      const from = schema.minimum ?? schema.exclusiveMinimum ?? 0;
      const to = Math.min(schema.maximum ?? from + 20, from + 20);
      const number = from + chance.fraction() * (to - from);
      return type === "integer" ? Math.max(from, Math.floor(number)) : number;
    }
    case "string": {
      const ids = known[name];
      if (ids && chance.is(0.9)) return chance.pick(ids);
      if (schema.format === "uuid" || schema.format === "guid") return chance.pick(known.any ?? [""]);
      return chance.pick(["a", "work", "some text", "2026-01-01T00:00:00Z"]).padEnd(schema.minLength ?? 0, "x");
    }
    case "array": {
      if (schema.prefixItems) return schema.prefixItems.map((one) => valid(one, chance, known, name, depth + 1));
      const least = schema.minItems ?? 0;
      const length = Math.min(schema.maxItems ?? 3, least + chance.below(3));
      return Array.from({ length }, () => valid(schema.items ?? {}, chance, known, name, depth + 1));
    }
    case "object": {
      const all = Object.entries(schema.properties ?? {}).filter(
        ([key]) => schema.required?.includes(key) || chance.is(0.3),
      );
      const fields = all.map(([key, one]) => [key, valid(one, chance, known, key, depth + 1)]);
      const more = schema.additionalProperties && depth < 4 && chance.is(0.5) ? [["more", { a: [1, "b"] }]] : [];
      return Object.fromEntries([...fields, ...more]);
    }
    default:
      return chance.pick<Json>([{ n: 1 }, { messages: [{ role: "user", content: "hello" }] }, null, "text", 1]);
  }
}

/** Copies a value with one part of it exchanged, left out or added. */
function spoiled(value: Json, chance: Chance): Json {
  if (typeof value !== "object" || value === null || chance.is(0.15)) return oddValue(chance);
  const keys = Object.keys(value);
  if (keys.length === 0 || chance.is(0.1)) return { ...value, [chance.pick(ODD_TEXTS)]: oddValue(chance) };
  const key = chance.pick(keys);
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, Json>;
  if (chance.is(0.1)) delete copy[key];
  else copy[key] = spoiled(copy[key], chance);
  return copy;
}

/** A text without half a character: a URL cannot have one. */
const wellFormed = (one: string): string => Buffer.from(one).toString();

/** The request of a seed. */
export function requestOf(
  seed: number,
  { paths }: Description,
  known: Known,
  leaveOut: ReadonlySet<string>,
): Generated {
  const chance = new Chance(seed * 2_654_435_761);
  const all = Object.entries(paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))
    .filter(({ path, method }) => !leaveOut.has(`${method} ${path}`));
  const { path, method, operation } = chance.pick(all);
  const how = chance.pick<How>(["valid", "nearly valid", "nearly valid", "absurd"]);
  const { parameters = [], requestBody } = operation;
  const text = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));
  const isOdd = () => how === "absurd" || (how === "nearly valid" && chance.is(0.3));
  let filled = path;
  const query: [string, string][] = [];
  for (const { name, in: place, required, schema } of parameters) {
    if (place === "path") {
      const ids = known[name === "id" ? (/^\/api\/(\w+)/.exec(path)?.[1] ?? "") : name] ?? known.any ?? ["x"];
      const one = how !== "valid" && chance.is(0.25) ? chance.pick(ODD_TEXTS) : chance.pick(ids);
      // No client can send what a URL cannot have at all.
      filled = filled.replace(`{${name}}`, encodeURIComponent(wellFormed(one) || "x"));
    } else if (required || chance.is(0.4)) {
      const value = isOdd() ? oddValue(chance) : valid(schema, chance, known, name);
      for (const one of Array.isArray(value) ? value.slice(0, 5) : [value])
        query.push([name, wellFormed(text(one)?.slice(0, 5000) ?? "")]);
    }
  }
  const search = query.length > 0 ? `?${new URLSearchParams(query)}` : "";
  const schema = requestBody?.content["application/json"]?.schema;
  let body: string | undefined;
  if (schema) {
    const good = valid(schema, chance, known);
    const value = how === "valid" ? good : how === "nearly valid" ? spoiled(good, chance) : oddValue(chance);
    body = how === "absurd" && chance.is(0.3) ? chance.pick(ODD_TEXTS) : JSON.stringify(value);
  }
  return {
    route: `${method} ${path}`,
    how,
    method: method.toUpperCase(),
    path: filled + search,
    ...(body !== undefined && { body }),
  };
}
