/**
 * The field for messages: several lines, sent by Enter where there is a keyboard. Each thread has a draft of its own, which stays
 * until it is on record, and is there again when its thread is.
 */
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
  /** True while the keyboard is in the field, and something stands in it. */
  readonly isBeingWritten: boolean;
  /** Shows the draft of a thread; the one that was shown is kept. With `isCarried`, it goes along to a thread that has none. */
  open(threadId: string, isCarried?: boolean): void;
  /** Puts an earlier message into the field, to be changed and sent, until another draft is opened. */
  edit(text: string): void;
  /** `isSending`: a request is under way; `isRunning`: the agent is at work. */
  draw(state: { canSend: boolean; isSending: boolean; isRunning: boolean }): void;
}

/** The draft of a message that is changed; no thread has such an id. */
const EDITED = "edited";

export function composer({ send, stop }: Options): Composer {
  let canSend = false;
  const drafts = new Map<string, string>();
  let opened = "";
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
    const own = opened;
    void send(words, () => {
      // Words typed meanwhile stay.
      if (drafts.get(own) === words) drafts.delete(own);
      if (opened === own && text.value === words) put("");
    });
  }

  function open(name: string, isCarried = false): void {
    if (name === opened) return;
    drafts.set(opened, text.value);
    opened = name;
    put(drafts.get(name) || (isCarried ? text.value : ""));
  }

  function put(words: string): void {
    text.value = words;
    grow();
  }

  /** As high as what is in it, up to a bound that the style sets. */
  function grow(): void {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  }

  return {
    element: form,
    focus: () => text.focus(),
    get isBeingWritten() {
      return document.activeElement === text && text.value !== "";
    },
    open,
    edit(words) {
      open(EDITED);
      put(words);
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
