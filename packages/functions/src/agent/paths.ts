/**
 * Paths into what a list shows, as LangGraph's clients write them: `values.messages[-1].content`. A negative number counts from the end.
 * A part that is not there is null.
 */
import { invalidInput } from "@tenure/core/errors";
import { refuseOptions } from "../http/input.ts";

const PATH = /^[^.[\]]+(?:\.[^.[\]]+|\[-?\d{1,9}\])*$/;
const PARTS = /[^.[\]]+/g;
const MAX_PATHS = 10;
const MAX_LENGTH = 200;

type Json = unknown;

/** The parts of a path; throws `invalid-input`, naming the option, for what is none. */
function partsOf(path: string, option: string): string[] {
  if (path.length <= MAX_LENGTH && PATH.test(path)) return path.match(PARTS) ?? [];
  throw invalidInput(`${option}: "${path.slice(0, 60)}" is not a path like values.messages[-1].content`);
}

function valueAt(value: Json, parts: string[]): Json {
  let at = value;
  for (const part of parts) {
    if (typeof at !== "object" || at === null) return null;
    if (Array.isArray(at)) at = /^-?\d+$/.test(part) ? at.at(Number(part)) : undefined;
    else at = Object.hasOwn(at, part) ? (at as Record<string, Json>)[part] : undefined;
  }
  return at ?? null;
}

/** The fields of `extracted`: each path's value by the name that the client gave it. At most ten. */
export function extracted(shown: Record<string, Json>, paths: Record<string, string>): Record<string, Json> {
  const entries = Object.entries(paths);
  if (entries.length > MAX_PATHS) throw invalidInput(`extract: has ${entries.length} paths, and may have ${MAX_PATHS}`);
  return Object.fromEntries(
    entries.map(([name, path]) => [name, valueAt(shown, partsOf(path, `extract.${name.slice(0, 60)}`))]),
  );
}

/** Throws `invalid-input` for a path that `extracted` would not take. */
export const checkPaths = (paths: Record<string, string>): void => void extracted({}, paths);

/** The fields that paths of these go into. */
export const fieldsOf = (paths: string[], option: string): string[] =>
  paths.map((path) => partsOf(path, option)[0] ?? "");

/**
 * Throws `not-implemented`, by name, for a path into a field that such a thing does not have, and `invalid-input` for what is no path. `option` is
 * the one that has the paths.
 */
export function checkSelect(
  paths: string[] | null | undefined,
  fields: readonly string[],
  of: string,
  option = "select",
): void {
  for (const field of fieldsOf(paths ?? [], option))
    refuseOptions({ [`${option}=${field} of ${of}`]: !fields.includes(field) });
}

/** The fields that were asked for, or all where none was. */
export const selected = (shown: Record<string, Json>, select: string[] | null | undefined): Record<string, Json> =>
  select?.length ? picked(shown, select) : shown;

/** The fields that were asked for, whole, or those parts of them that a path leads to: `["thread_id", "values.topic"]`. */
export function picked(shown: Record<string, Json>, paths: string[]): Record<string, Json> {
  const found: Record<string, Json> = {};
  const whole = new Set(paths);
  const made = new WeakSet<object>();
  for (const path of paths) {
    const [field = "", ...rest] = partsOf(path, "select");
    if (!Object.hasOwn(shown, field)) continue;
    if (rest.length === 0) found[field] = shown[field];
    else if (whole.has(field)) continue;
    else put(found, [field, ...rest], valueAt(shown, [field, ...rest]), made);
  }
  return found;
}

/** Puts a value where a path leads to, by names: the part of a list has its number for a name. A field that is there whole stays. */
function put(into: Record<string, Json>, parts: string[], value: Json, made: WeakSet<object>): void {
  let at = into;
  for (const part of parts.slice(0, -1)) {
    const next = Object.hasOwn(at, part) ? at[part] : undefined;
    if (next !== undefined && !(typeof next === "object" && next !== null && made.has(next))) return;
    const object = (next ?? {}) as Record<string, Json>;
    made.add(object);
    Object.defineProperty(at, part, { value: object, enumerable: true, configurable: true, writable: true });
    at = object;
  }
  const last = parts.at(-1) ?? "";
  Object.defineProperty(at, last, { value, enumerable: true, configurable: true, writable: true });
}
