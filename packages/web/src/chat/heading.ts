/** The head of a conversation: its title, and the ways to rename and to delete it. */
import { actionButton } from "../page/button.ts";
import { confirmed } from "../page/confirm.ts";
import { h, submitted } from "../page/dom.ts";

interface Options {
  /** Both deal with their own failures; `rename` returns whether the thread that is shown has the title now. */
  rename: (title: string) => Promise<boolean>;
  remove: () => Promise<void>;
}

export interface Heading {
  element: HTMLElement;
  draw(state: { title: string; isThread: boolean; canChange: boolean }): void;
}

const MAX_TITLE = 60;

export function heading({ rename, remove }: Options): Heading {
  const title = h("h2", { dir: "auto", tabindex: -1 });
  const field = h("input", {
    id: "thread-title",
    maxlength: MAX_TITLE,
    required: true,
    dir: "auto",
    autocomplete: "off",
  });
  const change = h("button", { type: "button", class: "quiet small", click: () => editing(true) }, "Rename");
  const deletion = actionButton("Delete", "Deleting…", remove, { class: "quiet small" }, ask);
  const save = actionButton("Save", "Saving…", renamed, { type: "submit", class: "small" });
  const form = h(
    "form",
    {
      class: "rename",
      hidden: true,
      submit: submitted(() => save.run()),
      keydown: (event) => (event as KeyboardEvent).key === "Escape" && editing(false),
    },
    h("label", { for: "thread-title" }, "Title"),
    field,
    save.button,
    h("button", { type: "button", class: "quiet small", click: () => editing(false) }, "Cancel"),
  );
  const shown = h("div", { class: "row between" }, title, h("div", { class: "row" }, change, deletion.button));

  function editing(isOn: boolean): void {
    form.hidden = !isOn;
    shown.hidden = isOn;
    field.value = title.textContent ?? "";
    (isOn ? field : change).focus();
    field.select();
  }

  async function renamed(): Promise<void> {
    const words = field.value.trim();
    if (words && (await rename(words))) {
      title.textContent = words;
      editing(false);
    }
  }

  function ask(): Promise<boolean> {
    return confirmed({
      title: "Delete this thread?",
      words: `“${title.textContent}”, its messages and its checkpoints are gone for good.`,
      yes: "Delete it",
      no: "Keep it",
    });
  }

  return {
    element: h("div", { class: "thread-head" }, shown, form),
    draw({ title: words, isThread, canChange }) {
      title.textContent = words;
      change.hidden = !isThread;
      deletion.button.hidden = !isThread || !canChange;
      if (!isThread && !form.hidden) editing(false);
    },
  };
}
