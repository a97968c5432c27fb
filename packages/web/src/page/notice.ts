/** The line at the top of the page that says what happened, with one way on where there is one. */
import { actionButton } from "./button.ts";
import { h } from "./dom.ts";

interface WayOn {
  label: string;
  doing: string;
  act: () => Promise<void>;
}

export type Say = (words: string, wayOn?: WayOn) => void;

export const notice =
  (element: HTMLElement): Say =>
  (words, wayOn) => {
    element.replaceChildren();
    if (!words) return;
    element.append(h("span", {}, words));
    if (wayOn) element.append(" ", actionButton(wayOn.label, wayOn.doing, wayOn.act, { class: "quiet small" }).button);
  };
