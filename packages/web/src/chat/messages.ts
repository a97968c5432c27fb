/** The messages of a conversation: one item each, of which those that have not changed stay the elements that they are. */
import { actionButton } from "../page/button.ts";
import { h } from "../page/dom.ts";
import { type Message, textOf } from "../server/message.ts";
import type * as Markdown from "./markdown.ts";
import { answerWords, callWords, details } from "./tools.ts";

interface Options {
  /** Begins to edit what a person has said earlier. Deals with its own failures. */
  edit: (message: Message) => Promise<void>;
}

export interface Messages {
  element: HTMLElement;
  /** `canEdit` is false while a run is under way; `isNew` tells what can be said where nothing was said yet. */
  draw(messages: Message[], options: { canEdit: boolean; isRunning: boolean; isNew: boolean }): void;
  /** From now on texts of the agent are shown as Markdown. */
  useMarkdown(markdown: typeof Markdown): void;
}

const HINT = "Nothing was said yet. Ask for 6 * 7, or to remember something.";

export function messageList({ edit }: Options): Messages {
  const element = h("ol", { class: "plain messages", "aria-label": "Messages", "aria-live": "polite" });
  let markdown: typeof Markdown | undefined;
  let drawn = new Map<string, { source: string; node: HTMLElement }>();

  function body(message: Message): Node[] {
    const text = textOf(message);
    if (message.type === "human") return [h("div", { class: "plain-text", dir: "auto" }, text)];
    if (message.type === "tool") return [h("p", { dir: "auto" }, answerWords(message)), details(message.content)];
    const words = text && (markdown?.rendered(text) ?? h("div", { class: "plain-text", dir: "auto" }, text));
    const calls = (message.tool_calls ?? []).map((call) =>
      h("div", { class: "call" }, h("p", { dir: "auto" }, `${callWords(call)}.`), details(call.args)),
    );
    return [...(words ? [words] : []), ...calls];
  }

  function item(message: Message): HTMLElement | undefined {
    const content = body(message);
    if (content.length === 0) return undefined;
    const type = message.type === "ai" && !textOf(message) ? "tool" : message.type;
    const speaker = { human: "You", ai: "The agent", tool: "A tool" }[type] ?? "The agent";
    const button =
      message.type === "human" &&
      actionButton("Edit", "One moment…", () => edit(message), {
        class: "quiet small edit",
        "aria-label": "Edit this message",
      }).button;
    return h("li", { "data-type": type }, h("span", { class: "visually-hidden" }, `${speaker}: `), ...content, button);
  }

  const draw: Messages["draw"] = (messages, { canEdit, isRunning, isNew }) => {
    // A screen reader says an answer when it is whole.
    element.setAttribute("aria-busy", String(isRunning));
    element.toggleAttribute("data-can-edit", canEdit);
    const next = new Map<string, { source: string; node: HTMLElement }>();
    const names = new Map(messages.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id, name }) => [id, name])));
    const nodes = messages.flatMap((found, n) => {
      // A tool that changes the state writes its answer itself, mostly without its name.
      const name = found.type === "tool" && (found.name || names.get(found.tool_call_id));
      const message = name ? { ...found, name } : found;
      const key = message.id ?? `message ${n}`;
      const source = JSON.stringify([message, markdown !== undefined]);
      const before = drawn.get(key);
      const node = before?.source === source ? before.node : item(message);
      if (!node) return [];
      next.set(key, { source, node });
      return [node];
    });
    drawn = next;
    if (messages.length === 0 && isNew) nodes.push(h("li", { class: "hint" }, HINT));
    replaceInPlace(element, nodes);
  };

  return {
    element,
    draw,
    useMarkdown(loaded) {
      markdown = loaded;
    },
  };
}

/** Makes `nodes` the children of an element; those that are there already are not moved, so that they keep the keyboard's place. */
function replaceInPlace(element: Element, nodes: Element[]): void {
  nodes.forEach((node, n) => {
    const at = element.children[n];
    if (at === node) return;
    if (at && !nodes.includes(at)) at.replaceWith(node);
    else element.insertBefore(node, at ?? null);
  });
  while (element.children.length > nodes.length) element.lastElementChild?.remove();
}
