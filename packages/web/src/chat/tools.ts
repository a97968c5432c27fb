/** Tool calls, their answers and the agent's questions in words; the JSON is behind a disclosure. */
import { h } from "../page/dom.ts";
import { type Asked, type Message, type ToolCall, textOf } from "../server/message.ts";

interface Words {
  /** Said of a call: "Calculates 6 * 7." */
  does(argument: string): string;
  /** Said where a person is asked first: "The agent wants to keep the note “buy milk”." */
  wants(argument: string): string;
  /** The argument that the words name. */
  argument: string;
}

/** The tools of the service's own agent; another tool is said by its name. */
const TOOLS: Record<string, Words> = {
  calculate: {
    argument: "expression",
    does: (expression) => `Calculates ${expression}`,
    wants: (expression) => `The agent wants to calculate ${expression}.`,
  },
  save_note: {
    argument: "note",
    does: (note) => `Asks to keep the note “${note}”`,
    wants: (note) => `The agent wants to keep the note “${note}”. May it?`,
  },
};

const spaced = (name: string) => name.replaceAll(/[_-]+/g, " ").trim() || "a tool";

function known({ name = "", args }: { name?: string | undefined; args?: unknown }): [Words, string] | undefined {
  const words = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
  const argument = words && (args as Record<string, unknown> | null | undefined)?.[words.argument];
  return words && typeof argument === "string" ? [words, argument] : undefined;
}

export function callWords(call: ToolCall): string {
  const found = known(call);
  return found ? found[0].does(found[1]) : `Uses ${spaced(call.name)}`;
}

export function questionWords({ question, tool, args }: Asked): string {
  const found = known({ name: tool, args });
  if (found) return found[0].wants(found[1]);
  if (tool) return `The agent wants to use ${spaced(tool)}. May it?`;
  return question || "The agent asks for your approval before it goes on.";
}

/** Says the answer of a tool. */
export function answerWords(message: Message): string {
  const name = spaced(message.name ?? "");
  const text = textOf(message).trim();
  if (message.status === "error") return text || `${name} failed`;
  return text ? `Answer of ${name}: ${text}` : `${name} is done`;
}

/** A value as JSON, for those who want to see it. */
export const details = (value: unknown): HTMLElement =>
  h(
    "details",
    {},
    h("summary", {}, "Details"),
    h("pre", { tabindex: 0, dir: "ltr" }, JSON.stringify(value, null, 2) ?? "nothing"),
  );
