/** The screen of a page that does not know yet whether it has a session. */
import { actionButton } from "../page/button.ts";
import { h, type Screen } from "../page/dom.ts";
import { wait } from "../page/words.ts";
import type { Failure } from "../server/failure.ts";

interface Opening extends Screen {
  /** Says why nobody knows, and when the page asks again by itself: epoch milliseconds of this machine's clock. */
  failed(failure: Failure, againAt: number): void;
}

export function openingScreen(again: () => Promise<void>): Opening {
  const words = h("p", { class: "hint", role: "status" });
  const next = h("p", { class: "hint" });
  const retry = actionButton("Try again", "Trying again…", again);
  const title = h("h1", { tabindex: -1, id: "opening-title" }, "Opening Tenure…");
  let timer: ReturnType<typeof setInterval> | undefined;
  retry.button.hidden = true;
  return {
    title: "Opening",
    element: h(
      "section",
      { class: "narrow stacked", "aria-labelledby": "opening-title" },
      title,
      words,
      retry.button,
      next,
    ),
    show() {},
    hide: () => clearInterval(timer),
    failed(failure, againAt) {
      title.textContent = failure.kind === "offline" ? "You are offline" : "Tenure does not answer";
      words.textContent = `${failure.message} If you were logged in, you still are.`;
      retry.button.hidden = false;
      clearInterval(timer);
      const tick = () => {
        next.textContent = `The page tries again by itself in ${wait(againAt - Date.now())}.`;
      };
      tick();
      timer = setInterval(tick, 1000);
    },
  };
}
