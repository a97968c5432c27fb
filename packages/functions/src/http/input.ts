import { invalidInput, TenureError } from "@tenure/core/errors";
import type { Context } from "hono";
import type { z } from "zod";
import type { Check, Issue } from "./check.ts";

/** A schema of Zod, or one of check.ts. */
type Schema = z.ZodType | Check<unknown>;
type Parsed<S extends Schema> = S extends z.ZodType
  ? z.infer<S>
  : S extends Check<unknown>
    ? ReturnType<S["parse"]>
    : never;

interface ReadOptions {
  closed?: boolean | undefined;
  /** Turns the body into what the schema describes. */
  rename?: ((body: unknown) => unknown) | undefined;
}

/** The request's JSON body as `schema` wants it, or `invalid-input` that says what is wrong where; `closed` as in `parse`. */
export async function readBody<T extends Schema>(
  c: Context,
  schema: T,
  { closed = false, rename = (given) => given }: ReadOptions = {},
): Promise<Parsed<T>> {
  const text = await c.req.text();
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch {
    throw invalidInput("The body is not JSON.");
  }
  return parse(schema, rename(plain(body)), closed);
}

/** With `closed`, a field that the schema does not have is refused by name, wherever it is. */
export function parse<T extends Schema>(schema: T, value: unknown, closed = false): Parsed<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    if (closed) refuseUnknown(schema, value);
    return parsed.data as Parsed<T>;
  }
  const all: readonly Issue[] = parsed.error.issues;
  const issues = all.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw new TenureError({ tag: "invalid-input", issues });
}

/**
 * Throws `not-implemented` for an option that this server does not carry out, by its name: if it were ignored, a client would believe that it
 * was. One that is left out, null or false asks for nothing.
 */
export function refuseOptions(options: Record<string, unknown>): void {
  for (const [feature, value] of Object.entries(options))
    if (asks(value)) throw new TenureError({ tag: "not-implemented", feature });
}

const asks = (value: unknown): boolean => value !== undefined && value !== null && value !== false;

/** The parts of a Zod schema that are looked into, by its fields, not by zod's classes, which would bring all of zod into the function for logins. */
interface Inside {
  def?:
    | {
        type: string;
        shape?: Record<string, Inside> | undefined;
        catchall?: unknown | undefined;
        innerType?: Inside | undefined;
        element?: Inside | undefined;
        in?: Inside | undefined;
        options?: Inside[] | undefined;
        items?: Inside[] | undefined;
      }
    | undefined;
  safeParse(value: unknown): { success: boolean };
}

/**
 * Throws for a field that a schema does not have, by its path: schemas leave out what they do not know, and an option of a newer client would be
 * taken and forgotten. A request's own field is an option that is `not-implemented`; one within another field is `invalid-input`. A record, and
 * what `z.unknown()` stands for, are the client's own.
 */
function refuseUnknown(schema: Schema, value: unknown): void {
  refuseIn(schema as unknown as Inside, value, "");
}

function refuseIn(schema: Inside, value: unknown, path: string): void {
  // A check of check.ts has no such fields: it leaves out what it does not name.
  if (typeof value !== "object" || value === null || !schema.def) return;
  const { type, shape, catchall, innerType, element, in: first, options, items } = schema.def;
  if (type === "union") {
    const met = options?.find((one) => one.safeParse(value).success);
    if (met) refuseIn(met, value, path);
  } else if (type === "array" && element && Array.isArray(value)) {
    for (const one of value) refuseIn(element, one, path);
  } else if (type === "tuple" && items && Array.isArray(value)) {
    for (const [at, one] of items.entries()) refuseIn(one, value[at], path);
  } else if (type === "object" && shape && !Array.isArray(value)) {
    for (const [name, field] of Object.entries(value)) {
      const known = Object.hasOwn(shape, name) ? shape[name] : undefined;
      if (known) refuseIn(known, field, `${path}${name}.`);
      else if (!catchall && path === "") refuseOptions({ [name]: field });
      else if (!catchall && asks(field)) throw invalidInput(`${path}${name}: is not known here: leave it out`);
    }
  } else if (innerType ?? first) refuseIn((innerType ?? first) as Inside, value, path);
}

/** LangGraph's serializer reads no more than 50 levels, of which a message takes some for itself. */
const MAX_DEPTH = 32;

/** The messages of LangChain, by the class names that its serialized form has. */
const MESSAGE_TYPES: Record<string, string> = {
  HumanMessage: "human",
  AIMessage: "ai",
  AIMessageChunk: "ai",
  SystemMessage: "system",
  ToolMessage: "tool",
  RemoveMessage: "remove",
};

/**
 * A client's JSON, made safe to be stored: what LangChain would revive as an object of some class when it is read again
 * (`lc`) is refused, but for messages, which become plain ones; so is what is nested too deep to be read again.
 */
function plain(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) throw invalidInput(`body: is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((one) => plain(one, depth + 1));
  const fields = Object.hasOwn(value, "lc") ? messageOf(value as SerializedObject) : value;
  // A key like __proto__ stays a key.
  return Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, plain(one, depth + 1)]));
}

interface SerializedObject {
  type?: unknown | undefined;
  id?: unknown | undefined;
  kwargs?: unknown | undefined;
}

/** `JSON.stringify(new HumanMessage("Hello."))`, as clients of the SDK send it. */
function messageOf({ type, id, kwargs }: SerializedObject): object {
  const [library, room, name, ...rest] = Array.isArray(id) ? id.map(String) : [];
  const isMessage = type === "constructor" && library === "langchain_core" && room === "messages" && rest.length === 0;
  const messageType = isMessage && Object.hasOwn(MESSAGE_TYPES, name ?? "") ? MESSAGE_TYPES[name ?? ""] : undefined;
  if (messageType === undefined || typeof kwargs !== "object" || kwargs === null)
    throw invalidInput("body: has a key `lc`, with which LangChain marks objects of its own: send plain JSON");
  return { ...kwargs, type: messageType };
}
