/** A question before something that cannot be undone, in a dialog of the browser: Escape and the safe button both mean no. */
import { h } from "./dom.ts";

interface Question {
  title: string;
  words: string;
  yes: string;
  no: string;
}

export function confirmed({ title, words, yes, no }: Question): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const answer = (value: boolean) => () => {
    resolve(value);
    dialog.close();
  };
  const dialog = h(
    "dialog",
    { "aria-labelledby": "confirm-title", "aria-describedby": "confirm-words" },
    h("h2", { id: "confirm-title" }, title),
    h("p", { id: "confirm-words", dir: "auto" }, words),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", class: "quiet", autofocus: true, click: answer(false) }, no),
      h("button", { type: "button", class: "danger", click: answer(true) }, yes),
    ),
  );
  dialog.addEventListener("close", () => {
    resolve(false);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}
