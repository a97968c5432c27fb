/**
 * A part of a screen whose content is asked for.
 *
 *     empty -> loading -> ready     the content; a later load keeps it until the new content is there
 *                      -> failed    words, and a button that loads again
 *     any   -> empty               its content was of something else than what is loaded next
 *
 * The later one of two loads that overlap counts.
 */
import { type Failure, failureOf } from "../server/failure.ts";
import { actionButton } from "./button.ts";
import { h } from "./dom.ts";

export interface Part {
  element: HTMLElement;
  load(): Promise<void>;
  /** Loads it again where the last load has failed. */
  mend(): Promise<void>;
  /** Takes the content away, which is of something else than the next load. */
  clear(): void;
}

interface PartOptions {
  /** Said while the first load is under way: "Loading your devices…". */
  loading: string;
  content: () => Promise<Node[]>;
  /** Takes a failure that concerns the whole page, like the session's end, and returns true; any other is shown in the part. */
  handled: (failure: Failure, again: () => Promise<void>) => boolean;
}

export function part({ loading, content, handled }: PartOptions): Part {
  const element = h("div", { class: "part" });
  let turn = 0;
  let isReady = false;
  let hasFailed = false;

  async function load(): Promise<void> {
    turn += 1;
    const own = turn;
    element.setAttribute("aria-busy", "true");
    if (!isReady) element.replaceChildren(h("p", { class: "hint" }, loading));
    try {
      const nodes = await content();
      if (own !== turn) return;
      isReady = true;
      hasFailed = false;
      element.replaceChildren(...nodes);
    } catch (error) {
      if (own !== turn) return;
      const failure = failureOf(error);
      isReady = false;
      hasFailed = true;
      const again = actionButton("Try again", "Trying again…", load, { class: "quiet" });
      element.replaceChildren(h("p", { class: "error", role: "alert" }, failure.message), again.button);
      handled(failure, load);
    } finally {
      if (own === turn) element.removeAttribute("aria-busy");
    }
  }

  return {
    element,
    load,
    mend: async () => void (hasFailed && (await load())),
    clear() {
      isReady = false;
      element.replaceChildren();
    },
  };
}
