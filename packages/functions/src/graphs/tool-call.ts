/**
 * Rules by which the offline model calls a tool that is bound to it: by the words of its name and description, with arguments that
 * its JSON Schema asks for and the message has. Deterministic, and no language model: a tool is named, a value is there or not.
 */

/** A tool as it is bound: its parameters are a JSON Schema of an object. */
export interface BoundTool {
  name: string;
  description?: string;
  parameters?: Schema;
}

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
}

export type Chosen = { tool: BoundTool; args: Record<string, unknown> } | { tool: BoundTool; lacks: string[] };

/** Words that say nothing of what a tool is for. */
const COMMON = new Set(
  "a about all an and any are as at be by can do does fetch find for from get gives how i if in into is it its list make me my new of on one or please run save set show that the their this to tool up use user uses what when which who with you your".split(
    " ",
  ),
);

/** The least that a tool's words have to count: its name, or two words of its description. */
const ENOUGH = 2;

/** Chooses the tool that a message means; undefined for none. `forced` takes the one of that name, or else the likeliest. */
export function chooseTool(said: string, tools: BoundTool[], forced?: string | true): Chosen | undefined {
  const words = new Set(wordsOf(said));
  const scored = tools.map((tool) => ({ tool, score: scoreOf(tool, words, said) }));
  const best = scored.reduce<(typeof scored)[0] | undefined>(
    (found, one) => (found && found.score >= one.score ? found : one),
    undefined,
  );
  const named = typeof forced === "string" ? tools.find(({ name }) => name === forced) : undefined;
  const tool = named ?? (forced || (best && best.score >= ENOUGH) ? best?.tool : undefined);
  return tool && withArguments(tool, said);
}

function scoreOf({ name, description = "" }: BoundTool, words: Set<string>, said: string): number {
  if (said.toLowerCase().includes(name.toLowerCase())) return 100;
  const count = (text: string) => new Set(wordsOf(text).filter((word) => !COMMON.has(word) && words.has(word))).size;
  return 2 * count(name) + count(description);
}

/** Words in lower case, of `getWeather` and `get_weather` too, a plural as its singular. */
function wordsOf(text: string): string[] {
  const apart = text.replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2").toLowerCase();
  return (apart.match(/[\p{L}\d]+/gu) ?? []).map((word) => (word.length > 3 ? word.replace(/(?<!s)s$/, "") : word));
}

function withArguments(tool: BoundTool, said: string): Chosen {
  const { properties = {}, required = [] } = tool.parameters ?? {};
  const given = jsonIn(said);
  if (given) return { tool, args: given };
  const numbers = [...said.matchAll(/(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)/g)].map(([text]) => Number(text));
  const texts = textsIn(said, tool);
  const args: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    const value = argumentOf(name, schema, { said, numbers, texts, isRequired: required.includes(name) });
    if (value !== undefined) args[name] = value;
  }
  const lacks = required.filter((name) => !Object.hasOwn(args, name));
  return lacks.length > 0 ? { tool, lacks } : { tool, args };
}

/** An object that the message has as JSON. */
function jsonIn(said: string): Record<string, unknown> | undefined {
  const [text] = /\{.*\}/s.exec(said) ?? [];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

interface Found {
  said: string;
  /** Values that no property has taken yet. */
  numbers: number[];
  texts: string[];
  isRequired: boolean;
}

function argumentOf(name: string, schema: Schema, found: Found): unknown {
  const { said, numbers, texts, isRequired } = found;
  if (schema.const !== undefined) return schema.const;
  const choices = schema.enum ?? [];
  if (choices.length > 0) return choices.find((choice) => hasWord(said, String(choice))) ?? schema.default;
  const labelled = labelOf(said, name);
  switch (typeOf(schema)) {
    case "number":
    case "integer": {
      const value = labelled !== undefined && labelled !== "" ? Number(labelled) : numbers.shift();
      return Number.isFinite(value) ? value : schema.default;
    }
    case "boolean":
      if (labelled !== undefined) return !/^(?:no|false|off)$/i.test(labelled);
      return hasWord(said, name) ? true : (schema.default ?? (isRequired ? false : undefined));
    case "array": {
      const value = labelled ?? (isRequired ? texts.shift() : undefined);
      return value === undefined
        ? schema.default
        : value
            .split(/\s*(?:,|\band\b)\s*/)
            .filter(Boolean)
            .map(itemOf(schema));
    }
    case "object":
      return schema.default;
    default:
      // An optional argument is given by its name alone: a rule that guessed it would guess wrong.
      return labelled ?? schema.default ?? (isRequired ? texts.shift() : undefined);
  }
}

const itemOf = ({ items }: Schema) => {
  const isNumber = items !== undefined && ["number", "integer"].includes(typeOf(items) ?? "");
  return (text: string) => (isNumber ? Number(text) : text);
};

function typeOf({ type, anyOf }: Schema): string | undefined {
  const types = [type, ...(anyOf ?? []).map((one) => one.type)].flat();
  return types.find((one) => one !== undefined && one !== "null");
}

const hasWord = (said: string, word: string): boolean => {
  const wanted = wordsOf(word).join(" ");
  return wanted !== "" && ` ${wordsOf(said).join(" ")} `.includes(` ${wanted} `);
};

/** The value behind a property's name: `city: Oslo`, `city=Oslo`, `city is "New York"`. */
function labelOf(said: string, name: string): string | undefined {
  const label = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/[_-]/g, "[ _-]");
  const [, quoted, plain] =
    new RegExp(`\\b${label}\\b\\s*(?:=|:|\\bis\\b)\\s*(?:"([^"]*)"|([^,;?!\\n]+))`, "i").exec(said) ?? [];
  return quoted ?? plain?.trim().replace(/\.$/, "");
}

/** Texts that a required property can have, likeliest first: quoted ones, then what follows a preposition, a colon or the tool's name. */
function textsIn(said: string, { name }: BoundTool): string[] {
  const quoted = [...said.matchAll(/"([^"]+)"|“([^”]+)”|'([^']+)'(?!\w)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
  if (quoted.length > 0) return quoted;
  const plain = said.trim().replace(/[?!.]+$/, "");
  const at = plain.toLowerCase().indexOf(name.toLowerCase());
  const behindName =
    at < 0 ? "" : plain.slice(at + name.length).replace(/^[\s:,]+(?:with|for|on|of|in|at|to|about)?\s*/i, "");
  if (behindName) return [behindName];
  const [, behindColon] = /^[^:]{1,60}:\s+(.+)$/s.exec(plain) ?? [];
  if (behindColon) return [behindColon];
  const parts = plain.split(/\s+(?:in|at|for|of|on|about|to|from|with|named|called)\s+/i).slice(1);
  return parts.length > 0 ? parts.map((part) => part.replace(/^(?:the|a|an)\s+/i, "")) : [plain];
}
