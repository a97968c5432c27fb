/** Finds the part of a value that its serializer cannot give back, for an error to name. */

/** LangChain loads no message, and no other object of its own, that has more levels within it. */
export const LOAD_LEVELS = 50;

export interface Culprit {
  /** From the value to the part, like `[3].artifact.wei`. */
  path: string;
  /** The trouble with the part, like "is a BigInt, which the serializer cannot write". */
  trouble: string;
}

interface Part {
  segment: string;
  /** Undefined when a getter throws. */
  read?: { value: unknown } | undefined;
  /** True when LangChain loads it as a part of an object of its own. */
  isInside: boolean;
}

/** A deeper part is not looked for. */
const MAX_STEPS = 60;
const SHOWN_SEGMENTS = 12;
const SHOWN_CHARACTERS = 40;

/**
 * Goes from the value to the first part of it that fails by itself, as far as there is one. `faultOf` says why a value cannot
 * be written or loaded. It takes as long as serializing the value a few times.
 */
export async function culpritOf(
  value: unknown,
  cause: Error,
  faultOf: (value: unknown) => Promise<Error | undefined>,
): Promise<Culprit> {
  const path: string[] = [];
  const seen = new Set<unknown>();
  let [at, fault, isInside] = [value, cause, false];
  for (let step = 0; step < MAX_STEPS; step++) {
    seen.add(at);
    let next: { value: unknown; fault: Error; isInside: boolean } | undefined;
    for (const part of partsOf(at, isInside)) {
      if (part === "throws") return { path: shown(path), trouble: "has a toJSON that throws" };
      if (!part.read)
        return { path: shown([...path, part.segment]), trouble: "cannot be read: it is a getter that throws" };
      const one = part.read.value;
      if (typeof one === "function" || typeof one === "symbol" || one === undefined) continue;
      const found = await faultOf(part.isInside ? within(one) : one);
      if (!found) continue;
      path.push(part.segment);
      if (seen.has(one)) return { path: shown(path), trouble: "refers to itself in a way that cannot be written" };
      next = { value: one, fault: found, isInside: part.isInside };
      break;
    }
    if (!next) break;
    ({ value: at, fault, isInside } = next);
  }
  return { path: shown(path), trouble: troubleOf(at, fault) };
}

/** A value where LangChain loads it: in a message. */
const within = (artifact: unknown) => ({
  lc: 1,
  type: "constructor",
  id: ["langchain_core", "messages", "ToolMessage"],
  kwargs: { content: "", tool_call_id: "", artifact },
});

function* partsOf(value: unknown, isInside: boolean): Generator<Part | "throws"> {
  if (typeof value !== "object" || value === null) return;
  let written: unknown;
  try {
    const { toJSON } = value as { toJSON?: unknown | undefined };
    written = typeof toJSON === "function" ? toJSON.call(value) : value;
  } catch {
    yield "throws";
    return;
  }
  if (typeof written !== "object" || written === null || written instanceof Error) return;
  if (written instanceof Map)
    for (const [key, one] of written) yield { segment: keyed(String(key)), read: { value: one }, isInside };
  else if (written instanceof Set) {
    let index = 0;
    for (const one of written) yield { segment: `[${index++}]`, read: { value: one }, isInside };
  } else if (isOfLangChain(written)) yield* fieldsOf(written.kwargs, true);
  else yield* fieldsOf(written, isInside);
}

function* fieldsOf(value: object, isInside: boolean): Generator<Part> {
  for (const key of Object.keys(value)) {
    const segment = Array.isArray(value) ? `[${key}]` : keyed(key);
    let one: unknown;
    try {
      one = (value as Record<string, unknown>)[key];
    } catch {
      yield { segment, isInside };
      continue;
    }
    yield { segment: segment === ".__lc_escaped__" ? "" : segment, read: { value: one }, isInside };
  }
}

function isOfLangChain(value: object): value is { kwargs: object } {
  const { lc, type, kwargs } = value as {
    lc?: unknown | undefined;
    type?: unknown | undefined;
    kwargs?: unknown | undefined;
  };
  return lc === 1 && type === "constructor" && typeof kwargs === "object" && kwargs !== null;
}

function troubleOf(value: unknown, fault: Error): string {
  if (typeof value === "bigint") return "is a BigInt, which the serializer cannot write";
  if (typeof value === "function" || typeof value === "symbol")
    return `is a ${typeof value}, which the serializer cannot write`;
  if (fault instanceof RangeError || /recursion depth/.test(fault.message))
    return `is nested too deep: LangChain loads ${LOAD_LEVELS} levels within a message`;
  if (typeof value === "object" && value !== null && "lc_serializable" in value)
    return "is a LangChain object that LangChain cannot load again";
  return "is not given back by the serializer";
}

const keyed = (key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, SHOWN_CHARACTERS))}]`;

function shown(path: string[]): string {
  const segments = path.slice(0, SHOWN_SEGMENTS).map((one) => one.slice(0, SHOWN_CHARACTERS + 4));
  return segments.join("") + (path.length > SHOWN_SEGMENTS ? "…" : "");
}
