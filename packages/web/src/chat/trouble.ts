/** Says in words why a conversation does not go on, with the way on. */
import { actionButton } from "../page/button.ts";
import { h } from "../page/dom.ts";
import { type Shell, wordsOf } from "../session/shell.ts";
import type { Conversation } from "./conversation.ts";

export interface Trouble {
  element: HTMLElement;
  draw(): void;
}

interface Said {
  words: string;
  /** The label of the button that goes on. */
  again?: string;
  isNew?: boolean;
}

export function trouble(conversation: Conversation, { session }: Shell): Trouble {
  const element = h("div", { class: "trouble", role: "alert" });
  let drawn = "";

  function said(): Said | undefined {
    const { phase, failure, chat, from } = conversation;
    const words = failure && wordsOf(failure, session);
    if (phase === "gone") return { words: words ?? "", isNew: true };
    if (phase === "lost")
      return { words: "The connection broke. The agent goes on, and the page looks for its answer…" };
    if (phase === "unread") return { words: words ?? "", again: "Try again" };
    if (failure?.isPassing) return { words: `${words} What you sent is not lost.`, again: "Try again" };
    if (failure?.tag === "record-damaged") return { words: failure.message, isNew: true };
    if (failure) return failure.kind === "broken" ? { words: words ?? "", again: "Try again" } : { words: words ?? "" };
    if (from) return undefined;
    if (phase === "failed")
      return { words: `The agent could not finish its answer: ${chat.error}`, again: "Try again" };
    if (phase === "stopped") return { words: "This answer was stopped before its end.", again: "Go on" };
    return undefined;
  }

  function draw(): void {
    const now = said();
    // Said once: an alert is read out with each change.
    if (JSON.stringify(now) === drawn) return;
    drawn = JSON.stringify(now);
    element.replaceChildren();
    if (!now) return;
    element.append(h("p", { dir: "auto" }, now.words));
    if (now.again) element.append(actionButton(now.again, "One moment…", () => conversation.again()).button);
    if (now.isNew) element.append(h("a", { class: "button", href: "#/chat/new" }, "Begin a new thread"));
  }

  return { element, draw };
}
