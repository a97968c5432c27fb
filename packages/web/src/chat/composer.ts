/** The field for messages: several lines, sent by Enter where there is a keyboard, and kept until what was typed is on record. */
import { actionButton } from "../page/button.ts";
import { h, submitted } from "../page/dom.ts";

interface Options {
  /** Sends the words, and calls `accepted` once they are on record. Deals with its own failures. */
  send: (text: string, accepted: () => void) => Promise<void>;
  /** Ends the run that is under way. */
  stop: () => Promise<void>;
}

export interface Composer {
  element: HTMLElement;
  focus(): void;
  /** Puts words into the field, to be changed and sent. */
  edit(text: string): void;
  /** `isSending`: a request is under way; `isRunning`: the agent is at work. */
  draw(state: { canSend: boolean; isSending: boolean; isRunning: boolean }): void;
}

export function composer({ send, stop }: Options): Composer {
  let canSend = false;
  const text = h("textarea", {
    id: "text",
    rows: 1,
    dir: "auto",
    autocomplete: "off",
    enterkeyhint: "send",
    "aria-describedby": "text-hint",
    keydown: (event) => key(event as KeyboardEvent),
    input: () => grow(),
  });
  const sending = h("button", { type: "submit" }, "Send");
  const stopping = actionButton("Stop", "Stopping…", stop, { class: "quiet" });
  stopping.button.hidden = true;
  const hint = h("p", { id: "text-hint", class: "hint" }, "Enter sends. Shift and Enter begin a new line.");
  const form = h(
    "form",
    { class: "say", submit: submitted(submit) },
    h("label", { for: "text" }, "Message"),
    text,
    h("div", { class: "row" }, sending, stopping.button),
    hint,
  );
  /** Without a keyboard Enter is the only way to a new line. */
  const isTouched = matchMedia("(pointer: coarse)").matches;
  hint.hidden = isTouched;

  function key(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || isTouched) return;
    event.preventDefault();
    submit();
  }

  function submit(): void {
    const words = text.value;
    if (!canSend || !words.trim()) return;
    void send(words, () => {
      // Words typed meanwhile stay.
      if (text.value === words) text.value = "";
      grow();
    });
  }

  /** As high as what is in it, up to a bound that the style sets. */
  function grow(): void {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  }

  return {
    element: form,
    focus: () => text.focus(),
    edit(words) {
      text.value = words;
      grow();
      text.focus();
      text.setSelectionRange(words.length, words.length);
    },
    draw({ canSend: can, isSending, isRunning }) {
      canSend = can;
      text.readOnly = isSending;
      sending.textContent = isSending ? "Sending…" : "Send";
      if (can) sending.removeAttribute("aria-disabled");
      else sending.setAttribute("aria-disabled", "true");
      sending.setAttribute("aria-busy", String(isSending));
      stopping.button.hidden = !isRunning;
    },
  };
}
