/** Values of graphs as JSON, and whatever was thrown as a name and a message. Neither can fail without saying where. */

/** A value with more levels is taken for one that has no end. */
const MAX_LEVELS = 500;
const MAX_MESSAGE = 10_000;
const SHOWN_SEGMENTS = 12;

/**
 * LangChain messages as flat objects with a `type`; everything else as JSON has it. Throws an error that names the part that has no
 * JSON, by its path.
 *
 * @example
 * stringify({ cost: { wei: 1n } }); // throws: .cost.wei is a BigInt
 */
export function stringify(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(flat(value, 0));
  } catch (cause) {
    throw new Error(troubleIn(value, [], []) ?? errorJson(cause).message, { cause });
  }
  if (text === undefined) throw new Error(`it is ${value === undefined ? "undefined" : `a ${typeof value}`}`);
  return text;
}

interface Serializable {
  toDict?: () => { type: string; data: object };
  toJSON?: () => unknown;
}

/** A value's own JSON, where it has some. */
function ownJson(value: object): unknown {
  const { toDict, toJSON } = value as Serializable;
  if (typeof toDict === "function") {
    const { type, data } = toDict.call(value);
    return { ...data, type };
  }
  return typeof toJSON === "function" ? toJSON.call(value) : value;
}

/**
 * Goes through the value itself, since a replacer sees a message only after LangChain has serialized it its own way, which
 * takes longer than all the rest.
 */
function flat(value: unknown, level: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (level > MAX_LEVELS) throw new RangeError("nested too deep");
  const own = ownJson(value);
  if (typeof own !== "object" || own === null) return own;
  if (Array.isArray(own)) return own.map((one) => flat(one, level + 1));
  const copy: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(own)) {
    // Assigned, a key like __proto__ would be none.
    if (name === "__proto__") Object.defineProperty(copy, name, { value: flat(one, level + 1), enumerable: true });
    else copy[name] = flat(one, level + 1);
  }
  return copy;
}

/** The first part of a value that has no JSON, and why; undefined when each part by itself has some. */
function troubleIn(value: unknown, path: string[], within: unknown[]): string | undefined {
  if (typeof value === "bigint") return `${shown(path)} is a BigInt`;
  if (typeof value !== "object" || value === null) return undefined;
  if (within.includes(value)) return `${shown(path)} refers to what it is in`;
  if (within.length > MAX_LEVELS) return `${shown(path)} is nested deeper than ${MAX_LEVELS} levels`;
  let own: unknown;
  try {
    own = ownJson(value);
  } catch (error) {
    return `${shown(path)} cannot be written: ${errorJson(error).message}`;
  }
  if (typeof own !== "object" || own === null) return troubleIn(own, path, within);
  for (const name of Object.keys(own)) {
    const at = [...path, Array.isArray(own) ? `[${name}]` : `.${name}`];
    let part: unknown;
    try {
      part = (own as Record<string, unknown>)[name];
    } catch (error) {
      return `${shown(at)} cannot be read: ${errorJson(error).message}`;
    }
    const trouble = troubleIn(part, at, [...within, value]);
    if (trouble) return trouble;
  }
  return undefined;
}

const shown = (path: string[]): string =>
  path.length === 0
    ? "it"
    : `${path
        .slice(0, SHOWN_SEGMENTS)
        .map((one) => one.slice(0, 40))
        .join("")}${path.length > SHOWN_SEGMENTS ? "…" : ""}`;

export interface ErrorJson {
  error: string;
  message: string;
}

/** The name and the message of anything thrown. Never fails: graphs throw anything. */
export function errorJson(error: unknown): ErrorJson {
  try {
    const { name, message } = Object(error) as { name?: unknown | undefined; message?: unknown | undefined };
    if (message !== undefined) return { error: shortText(name ?? "Error"), message: shortText(message) };
    return { error: "Error", message: shortText(error) };
  } catch {
    return { error: "Error", message: "What was thrown cannot be shown." };
  }
}

const shortText = (value: unknown): string => String(value).slice(0, MAX_MESSAGE);
