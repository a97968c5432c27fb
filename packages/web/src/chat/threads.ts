/** The list of the user's threads, a page at a time. On a narrow screen it is behind a button, so that the conversation comes first. */
import { actionButton } from "../page/button.ts";
import { h } from "../page/dom.ts";
import { part } from "../page/part.ts";
import type { AgentClient, ThreadEntry } from "../server/agent.ts";
import type { Shell } from "../session/shell.ts";

interface Threads {
  element: HTMLElement;
  /** Reads the newest threads again; older ones that are shown stay. */
  load(): Promise<void>;
  /** Marks the thread that is open. */
  mark(threadId: string): void;
  /** Takes one out that is gone. */
  forget(threadId: string): void;
}

export function threadList(agent: AgentClient, { handled, attempt }: Shell): Threads {
  let entries: ThreadEntry[] = [];
  let hasMore = false;
  let open = "";
  /** Threads that are gone: an answer that was on its way meanwhile may still name them. */
  const gone = new Set<string>();

  const list = part({
    loading: "Loading your threads…",
    handled,
    async content() {
      const page = await agent.listThreads(0);
      // Only what was on the first page can have changed its place.
      if (entries.length <= page.items.length) hasMore = page.hasMore;
      entries = merged(page.items, entries);
      return drawn();
    },
  });

  const more = actionButton(
    "More threads",
    "Loading…",
    () =>
      attempt(async () => {
        const page = await agent.listThreads(entries.length);
        const firstNew = entries.length;
        entries = merged(entries, page.items);
        hasMore = page.hasMore;
        list.element.replaceChildren(...drawn());
        list.element.querySelectorAll("a")[firstNew]?.focus();
      }),
    { class: "quiet" },
  );

  /** The first list, and behind it what the second has beside. */
  function merged(first: ThreadEntry[], second: ThreadEntry[]): ThreadEntry[] {
    const ids = new Set(first.map(({ id }) => id));
    return [...first, ...second.filter(({ id }) => !ids.has(id))].filter(({ id }) => !gone.has(id));
  }

  function drawn(): Node[] {
    if (entries.length === 0) return [h("p", { class: "hint" }, "No threads yet.")];
    const items = entries.map(({ id, title }) =>
      h("li", {}, h("a", { href: `#/chat/${id}`, dir: "auto", "aria-current": id === open && "true" }, title)),
    );
    return [h("ul", { class: "plain threads" }, ...items), ...(hasMore ? [more.button] : [])];
  }

  const shown = h("nav", { id: "threads", class: "thread-list", "aria-label": "Threads" }, list.element);
  const toggle = h(
    "button",
    {
      type: "button",
      class: "quiet toggle",
      "aria-expanded": "false",
      "aria-controls": "threads",
      click: () => expand(toggle.getAttribute("aria-expanded") !== "true"),
    },
    "Threads",
  );
  function expand(isOpen: boolean): void {
    toggle.setAttribute("aria-expanded", String(isOpen));
    shown.toggleAttribute("data-open", isOpen);
  }

  return {
    element: h(
      "div",
      { class: "side" },
      h("div", { class: "row" }, h("a", { class: "button", href: "#/chat/new" }, "New thread"), toggle),
      shown,
    ),
    load: list.load,
    forget(threadId) {
      gone.add(threadId);
      const count = entries.length;
      entries = entries.filter(({ id }) => id !== threadId);
      if (entries.length < count) list.element.replaceChildren(...drawn());
    },
    mark(threadId) {
      if (open !== threadId) expand(false);
      open = threadId;
      for (const link of shown.querySelectorAll("a"))
        if (link.getAttribute("href") === `#/chat/${threadId}`) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
    },
  };
}
