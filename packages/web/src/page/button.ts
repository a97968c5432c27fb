/**
 * A button whose action runs once at a time. From the first press on it says what it does, and further presses do nothing until
 * the action is over; it stays focusable meanwhile, so that the keyboard's place is not lost.
 */
import { type Attributes, h } from "./dom.ts";

export interface ActionButton {
  button: HTMLButtonElement;
  /** Runs the action, unless it runs already. For a form, whose submission is the button's press. */
  run(): Promise<void>;
  /** Changes the words that it has when nothing is under way. One that is off does nothing, and keeps the keyboard's place too. */
  label(words: string, isOff?: boolean): void;
}

/** `act` deals with its own failures. `ask` comes before it, and false is the end of it. */
export function actionButton(
  label: string,
  doing: string,
  act: () => Promise<void>,
  attributes: Attributes = {},
  ask?: () => Promise<boolean>,
): ActionButton {
  let isAsking = false;
  let isBusy = false;
  let isOff = false;
  let words = label;
  const isSubmit = attributes.type === "submit";
  const button = h("button", { type: "button", ...attributes, ...(!isSubmit && { click: () => void run() }) }, label);

  async function run(): Promise<void> {
    if (isBusy || isOff || isAsking) return;
    isAsking = true;
    const isWanted = !ask || (await ask());
    isAsking = false;
    if (!isWanted) return;
    isBusy = true;
    draw();
    try {
      await act();
    } finally {
      isBusy = false;
      draw();
    }
  }

  function draw(): void {
    const text = isBusy ? doing : words;
    // A screen reader says a text again that is set again.
    if (button.textContent !== text) button.textContent = text;
    set("aria-disabled", isBusy || isOff);
    set("aria-busy", isBusy);
  }

  const set = (name: string, isOn: boolean) =>
    isOn ? button.setAttribute(name, "true") : button.removeAttribute(name);

  return {
    button,
    run,
    label(text, off = false) {
      words = text;
      isOff = off;
      draw();
    },
  };
}
