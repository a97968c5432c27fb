/** Threads on the left, a conversation, its approvals, and a strip of its checkpoints from any of which one can go on. */
import type * as Agent from "./agent.ts";
import { h, type Screen, submitted } from "./dom.ts";

interface ChatOptions {
  guarded: (action: () => Promise<void>) => Promise<void>;
  /** Puts a thread into the address, so that a reload finds it again. */
  address: (threadId: string) => void;
}

export function chatScreen({ guarded, address }: ChatOptions): Screen {
  /** LangGraph's client is most of the page, and needed only here. */
  let agent: typeof Agent;
  let threadId = "";
  /** The checkpoint to go on from, when it is not the last one. */
  let from: Agent.Step | undefined;
  let steps: Agent.Step[] = [];

  const threads = h("ul", { class: "plain threads" });
  const messages = h("ol", { class: "plain messages", "aria-label": "Messages", "aria-live": "polite" });
  const question = h("p", { id: "question" });
  const approval = h(
    "div",
    { class: "card approval", role: "group", "aria-labelledby": "question", hidden: true },
    question,
    h("button", { type: "button", click: () => void send({ approved: true }) }, "Approve"),
    h("button", { type: "button", class: "quiet", click: () => void send({ approved: false }) }, "Decline"),
  );
  const text = h("input", { id: "text", autocomplete: "off", required: true });
  const busy = h("p", { class: "hint", role: "status" });
  const strip = h("ol", { class: "plain strip", "aria-labelledby": "strip-title" });
  const forked = h("p", { class: "hint", role: "status" });
  const form = h(
    "form",
    {
      class: "say",
      submit: submitted(() => send({ text: text.value, ...(from && { checkpointId: from.checkpointId }) })),
    },
    h("label", { for: "text" }, "Message"),
    text,
    h("button", { type: "submit" }, "Send"),
  );

  function draw(chat: Agent.Chat): void {
    messages.replaceChildren(...chat.messages.flatMap(item));
    if (chat.messages.length === 0)
      messages.append(h("li", { class: "hint" }, "Nothing was said yet. Ask for 6 * 7, or to remember something."));
    approval.hidden = chat.question === undefined;
    question.textContent = chat.question ?? "";
  }

  function item(message: Agent.Message): HTMLLIElement[] {
    const calls = message.tool_calls?.map(({ name, args }) => `${name}(${JSON.stringify(args)})`) ?? [];
    const words = [agent.textOf(message), ...calls].filter(Boolean).join("\n");
    const type = calls.length > 0 ? "tool" : message.type;
    const speaker = { human: "You", ai: "The agent", tool: "A tool" }[type] ?? type;
    return words
      ? [h("li", { "data-type": type }, h("span", { class: "visually-hidden" }, `${speaker}: `), words)]
      : [];
  }

  async function drawThreads(): Promise<void> {
    const found = await agent.listThreads();
    threads.replaceChildren(
      ...found.map(({ id, title }) =>
        h(
          "li",
          {},
          h("a", { href: `#/chat/${id}`, "aria-current": id === threadId && "true" }, title),
          h(
            "button",
            {
              type: "button",
              class: "quiet small",
              "aria-label": `Delete the thread ${title}`,
              click: () => void remove(id),
            },
            "×",
          ),
        ),
      ),
      ...(found.length === 0 ? [h("li", { class: "hint" }, "No threads yet.")] : []),
    );
  }

  async function drawSteps(): Promise<void> {
    from = undefined;
    forked.textContent = "";
    steps = threadId ? await agent.loadSteps(threadId) : [];
    const oldestFirst = steps.toReversed();
    strip.replaceChildren(
      ...oldestFirst.map((step, n) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              class: "dot",
              "aria-pressed": "false",
              "aria-label": `Checkpoint ${n + 1}, ${step.name}`,
              click: (event) => travel(step, n + 1, event.currentTarget as Element),
            },
            String(n + 1),
          ),
        ),
      ),
      ...(steps.length === 0 ? [h("li", { class: "hint" }, "None yet.")] : []),
    );
  }

  /** Shows the thread as it was, from where the next message goes on; the last one is the present. */
  function travel(step: Agent.Step, n: number, pressed: Element): void {
    for (const one of strip.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one === pressed));
    from = step === steps[0] ? undefined : step;
    forked.textContent = from ? `This is checkpoint ${n}, ${step.name}. The next message goes on from here.` : "";
    draw(from ? { ...step.chat, question: undefined } : step.chat);
  }

  const remove = (id: string) =>
    guarded(async () => {
      await agent.deleteThread(id);
      if (id === threadId) await open("");
      await drawThreads();
    });

  async function open(id: string): Promise<void> {
    threadId = id;
    draw(id ? await agent.loadChat(id) : { messages: [], question: undefined });
    await drawSteps();
    if (id) await watched(() => agent.rejoin(id, (chat) => id === threadId && draw(chat)));
  }

  async function watched(action: () => Promise<void>): Promise<void> {
    busy.textContent = "";
    const late = setTimeout(() => (busy.textContent = "The agent is at work…"), 300);
    try {
      await action();
    } finally {
      clearTimeout(late);
      busy.textContent = "";
    }
  }

  const send = (sent: Agent.Sent) =>
    guarded(async () => {
      if (!threadId) {
        threadId = await agent.createThread();
        address(threadId);
      }
      const id = threadId;
      const typed = text.value;
      if ("text" in sent) text.value = "";
      approval.hidden = true;
      try {
        await watched(() => agent.run(id, sent, (chat) => id === threadId && draw(chat)));
      } catch (error) {
        // Typed text outlives a request that fails.
        if ("text" in sent && !text.value) text.value = typed;
        throw error;
      }
      await Promise.all([drawThreads(), drawSteps()]);
      if (approval.hidden) text.focus();
      else approval.querySelector("button")?.focus();
    });

  return {
    title: "Chat",
    element: h(
      "section",
      { class: "chat", "aria-labelledby": "chat-title" },
      h("h1", { id: "chat-title", tabindex: -1 }, "Chat"),
      h("nav", { "aria-label": "Threads" }, h("a", { class: "button", href: "#/chat/new" }, "New thread"), threads),
      h(
        "div",
        { class: "talk" },
        messages,
        approval,
        busy,
        form,
        h("h2", { id: "strip-title" }, "Checkpoints"),
        strip,
        forked,
      ),
    ),
    show: (detail) =>
      guarded(async () => {
        agent ??= await import("./agent.ts");
        const wanted = detail === "new" ? "" : detail || threadId;
        await drawThreads();
        if (wanted !== threadId || messages.childElementCount === 0) await open(wanted);
      }),
  };
}
