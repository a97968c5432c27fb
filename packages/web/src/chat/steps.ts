/**
 * The strip of a thread's checkpoints, oldest first, from any of which one can go on. A number is the checkpoint's place in the
 * thread, so that it stays when there are more; from where a branch begins, two have the same number, and the one that is not on
 * the way to the present says so.
 */
import { actionButton } from "../page/button.ts";
import { h } from "../page/dom.ts";
import { part } from "../page/part.ts";
import type { AgentClient, Step } from "../server/agent.ts";
import type { Failure } from "../server/failure.ts";
import type { Message } from "../server/message.ts";
import type { Shell } from "../session/shell.ts";

interface Options {
  threadId: () => string;
  /** Goes to a checkpoint; undefined is the present. */
  travel: (step: Step | undefined) => void;
}

export interface Steps {
  element: HTMLElement;
  /** Reads the newest checkpoints again. */
  load(): Promise<void>;
  /** Reads them again where the last reading has failed. */
  mend(): Promise<void>;
  /** Marks the checkpoint that the next message goes on from. */
  mark(from: Step | undefined): void;
  /** Finds the checkpoint just before a message was said, reading as far back as it takes, while its thread is shown. Throws a Failure. */
  before(message: Message): Promise<Step | undefined>;
}

export function stepStrip(agent: AgentClient, { handled, attempt }: Shell, { threadId, travel }: Options): Steps {
  /** Newest first. */
  let steps: Step[] = [];
  let hasMore = false;
  let of = "";
  /** Rises with each reading of the newest ones: an answer to an earlier request says nothing of the list that there is now. */
  let turn = 0;
  let from: Step | undefined;

  const strip = part({
    loading: "Loading the checkpoints…",
    handled: (failure: Failure, again) => handled(failure, again),
    async content() {
      const id = threadId();
      turn += 1;
      const own = turn;
      if (of !== id) {
        steps = [];
        // As long as none is read, there may be some.
        hasMore = true;
      }
      of = id;
      const page = id ? await agent.listSteps(id) : { items: [], hasMore: false };
      if (own !== turn) return [];
      const known = new Set(page.items.map(({ checkpointId }) => checkpointId));
      const older = steps.filter(({ checkpointId }) => !known.has(checkpointId));
      // A gap would hide checkpoints: then the older ones are asked for again.
      const isContiguous = steps.some(({ checkpointId }) => known.has(checkpointId));
      steps = isContiguous ? [...page.items, ...older] : page.items;
      if (!isContiguous || older.length === 0) hasMore = page.hasMore;
      return drawn();
    },
  });

  async function readEarlier(): Promise<void> {
    const own = turn;
    const page = await agent.listSteps(of, steps.at(-1)?.checkpointId);
    if (own !== turn) return;
    steps = [...steps, ...page.items];
    hasMore = page.hasMore;
    strip.element.replaceChildren(...drawn());
  }

  const earlier = actionButton("Earlier checkpoints", "Loading…", () => attempt(readEarlier), { class: "quiet small" });

  /** The ids on the way from the newest checkpoint to the first. */
  function present(): Set<string> {
    const path = new Set<string>();
    let next: string | undefined = steps[0]?.checkpointId;
    for (const { checkpointId, parentId } of steps) {
      if (checkpointId !== next) continue;
      path.add(checkpointId);
      next = parentId;
    }
    return path;
  }

  function drawn(): Node[] {
    if (steps.length === 0) return [h("p", { class: "hint" }, "None yet.")];
    const path = present();
    const items = steps.toReversed().map((step) => {
      const isElsewhere = !path.has(step.checkpointId);
      const name = `Checkpoint ${step.number ?? "without a number"}, ${step.name}${isElsewhere ? ", on another branch" : ""}`;
      const button = h(
        "button",
        {
          type: "button",
          class: isElsewhere ? "dot elsewhere" : "dot",
          "aria-pressed": String(step.checkpointId === from?.checkpointId),
          "aria-label": name,
          title: name,
          "data-id": step.checkpointId,
          click: () => travel(step === steps[0] ? undefined : step),
        },
        String(step.number ?? "?"),
      );
      return h("li", {}, button);
    });
    const list = h("ol", { class: "plain strip", "aria-labelledby": "strip-title" }, ...items);
    return hasMore ? [earlier.button, list] : [list];
  }

  return {
    element: strip.element,
    load() {
      // A checkpoint of another thread is no place to go on from.
      if (of !== threadId()) strip.clear();
      return strip.load();
    },
    mend: strip.mend,
    mark(step) {
      from = step;
      for (const button of strip.element.querySelectorAll("[data-id]"))
        button.setAttribute("aria-pressed", String(button.getAttribute("data-id") === step?.checkpointId));
    },
    async before({ id }) {
      const thread = of;
      for (;;) {
        if (of !== thread) return undefined;
        const path = present();
        const found = steps.find(
          ({ checkpointId, chat }) => path.has(checkpointId) && !chat.messages.some((message) => message.id === id),
        );
        if (found || !hasMore) return found;
        await readEarlier();
      }
    },
  };
}

/** Names the checkpoint within a sentence. */
export const stepName = ({ number, name }: Step): string => `checkpoint ${number ?? "without a number"}, ${name}`;
