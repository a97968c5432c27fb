/** The chat: threads, a conversation (conversation.ts), its approvals, and the checkpoints from any of which one can go on. */
import { actionButton } from "../page/button.ts";
import { h, type Screen, section } from "../page/dom.ts";
import { failureOf } from "../server/failure.ts";
import type { Shell } from "../session/shell.ts";
import { type ChatView, chatView } from "./view.ts";

interface ChatOptions {
  /** Puts a thread into the address, so that a reload finds it again. */
  address: (threadId: string) => void;
}

/** LangGraph's client is most of the page, and needed only here: it is loaded when the chat is opened for the first time. */
export function chatScreen(shell: Shell, options: ChatOptions): Screen {
  let view: ChatView | undefined;
  const content = h("div", {}, h("p", { class: "hint" }, "Loading the chat…"));

  async function load(): Promise<ChatView | undefined> {
    try {
      const { agent } = await import("../server/agent.ts");
      const loaded = chatView(agent, shell, options);
      content.replaceChildren(loaded.element);
      return loaded;
    } catch (error) {
      const again = actionButton("Try again", "Trying again…", retry);
      content.replaceChildren(h("p", { class: "error", role: "alert" }, failureOf(error).message), again.button);
      return undefined;
    }
  }

  async function retry(): Promise<void> {
    view = await load();
    if (view) return view.show(wanted);
    // A browser may remember that a module did not come, and a deployment may have taken it away: then a new page finds it. Where
    // the page does not come either, this one stays, since it says so.
    const page = await fetch("/", { method: "HEAD", cache: "no-store" }).catch(() => undefined);
    if (page?.ok) location.reload();
  }

  let wanted = "";
  return {
    drop: () => view?.close(),
    title: "Chat",
    element: section("chat", "Chat", {}, content),
    async show(detail) {
      wanted = detail;
      view ??= await load();
      // Somebody may have gone on while the client was loaded.
      if (wanted === detail) await view?.show(detail);
    },
  };
}
