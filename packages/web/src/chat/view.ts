/** The chat's parts put together: what each does goes to the conversation, and each change of the conversation is drawn. */
import { actionButton } from "../page/button.ts";
import { h } from "../page/dom.ts";
import type { AgentClient, Step } from "../server/agent.ts";
import { Failure, failureOf } from "../server/failure.ts";
import { type Message, textOf } from "../server/message.ts";
import { type Shell, wordsOf } from "../session/shell.ts";
import { composer } from "./composer.ts";
import { Conversation, type Phase } from "./conversation.ts";
import { heading } from "./heading.ts";
import { messageList } from "./messages.ts";
import { stepName, stepStrip } from "./steps.ts";
import { threadList } from "./threads.ts";
import { details, questionWords } from "./tools.ts";
import { trouble } from "./trouble.ts";

export interface ChatView {
  element: HTMLElement;
  /** Opens the thread that the address names; "new" is none. */
  show(detail: string): Promise<void>;
  close(): void;
}

const BUSY: Partial<Record<Phase, string>> = {
  loading: "Loading the thread…",
  sending: "Sending…",
  running: "The agent is at work…",
};
/** Less than a message. */
const NEAR_PX = 40;
const UNSENT = "A message in another thread was not sent; it is still in its field there.";
const NO_CHECKPOINT = "The checkpoint before this message is gone, so that it cannot be changed any more.";

export function chatView(
  agent: AgentClient,
  shell: Shell,
  { address }: { address: (threadId: string) => void },
): ChatView {
  const { attempt, handled, say, session } = shell;
  /** True while the fork is there to change an earlier message. */
  let isEditing = false;
  let isOpened = false;
  let isAtStart = true;
  let shownFrom: Step | undefined;
  let wasGone = false;

  const conversation = new Conversation(agent, {
    changed: () => redraw(),
    made: address,
    elsewhere(failure) {
      if (!failure) {
        say("");
        void threads.load();
      } else if (!handled(failure, async () => {})) say(`${wordsOf(failure, session)} ${UNSENT}`);
    },
    settled(isTurn) {
      if (isTurn) void threads.load();
      void steps.load();
    },
    handled: (failure) => handled(failure, () => conversation.again()),
  });
  const threads = threadList(agent, shell);
  const steps = stepStrip(agent, shell, {
    threadId: () => conversation.threadId,
    travel(step) {
      isEditing = false;
      conversation.travel(step);
    },
  });
  const messages = messageList({ edit: (message) => attempt(() => edit(message)) });
  const problems = trouble(conversation, shell);
  const busy = h("p", { class: "hint", role: "status" });
  const head = heading({ rename, remove: () => attempt(remove) });
  const field = composer({
    send: async (text, accepted) => {
      await conversation.say(text, accepted);
      arrive();
    },
    stop: () => attempt(() => conversation.stop()),
  });

  const approve = actionButton("Approve", "Approving…", () => answer(true));
  const decline = actionButton("Decline", "Declining…", () => answer(false), { class: "quiet" });
  const question = h("div", {});
  const approval = h(
    "div",
    {
      ...{ class: "card approval", role: "group", tabindex: -1, hidden: true },
      ...{ "aria-label": "Approval", "aria-describedby": "approval-words" },
    },
    question,
    h("div", { class: "row" }, approve.button, decline.button),
  );
  let asked = "";

  const forkWords = h("span", {});
  const back = h("button", { type: "button", class: "quiet small", click: () => leaveFork() }, "Back to the present");
  const fork = h("div", { class: "fork row", role: "status" }, forkWords, back);

  const past = h("section", {}, h("h2", { id: "strip-title" }, "Checkpoints"), steps.element);

  async function answer(approved: boolean): Promise<void> {
    await conversation.answer(approved);
    arrive();
  }

  function leaveFork(): void {
    isEditing = false;
    conversation.travel(undefined);
    field.focus();
  }

  async function edit(message: Message): Promise<void> {
    const id = conversation.threadId;
    const step = await steps.before(message);
    if (conversation.threadId !== id) return;
    if (!step) throw new Failure("gone", NO_CHECKPOINT);
    isEditing = true;
    conversation.travel(step);
    field.edit(textOf(message));
  }

  async function rename(title: string): Promise<boolean> {
    const id = conversation.threadId;
    let isRenamed = false;
    await attempt(async () => {
      await agent.renameThread(id, title);
      isRenamed = conversation.threadId === id;
      if (isRenamed) conversation.title = title;
      await threads.load();
    });
    return isRenamed;
  }

  async function remove(): Promise<void> {
    const id = conversation.threadId;
    await agent.deleteThread(id).catch((error: unknown) => {
      if (failureOf(error).tag !== "thread-not-found") throw error;
    });
    threads.forget(id);
    say("The thread is deleted.");
    if (conversation.threadId !== id) return;
    address("new");
    await conversation.open("");
    field.focus();
  }

  /**
   * After a turn the keyboard is where it goes on, unless the person is somewhere else by now, or types. A question gets it, and not
   * the button that approves: a key that was meant for the field would press it.
   */
  function arrive(): void {
    draw();
    const { activeElement } = document;
    if (activeElement && activeElement !== document.body && !element.contains(activeElement)) return;
    if (conversation.phase === "asking" && !conversation.from) {
      if (!field.isBeingWritten) approval.focus();
    } else if (activeElement === document.body) field.focus();
  }

  function drawQuestion(): void {
    const { chat, phase } = conversation;
    const isAsked = chat.question !== undefined && phase !== "running";
    approval.hidden = !isAsked;
    const source = JSON.stringify(chat.question);
    if (!chat.question || source === asked) return;
    asked = source;
    const words = h("p", { id: "approval-words", dir: "auto" }, questionWords(chat.question.asked));
    question.replaceChildren(words, details(chat.question.asked));
  }

  function draw(): void {
    const { phase, chat, from, threadId, title, canSend } = conversation;
    const isRunning = phase === "running" || phase === "lost";
    const isUnknown = phase === "loading" || phase === "unread" || phase === "gone";
    // The end of the conversation stays in sight as it grows, for those who are there; so it does when it is opened.
    const isAtEnd = isAtStart || field.element.getBoundingClientRect().bottom <= innerHeight + NEAR_PX;
    isAtStart = phase === "loading";
    if (!from) isEditing = false;
    head.draw({
      title: title || (threadId ? "Thread" : "New thread"),
      isThread: threadId !== "" && !isUnknown,
      canChange: canSend,
    });
    const isNew = phase === "blank" || phase === "idle";
    messages.draw(chat.messages, { canEdit: canSend, isRunning: isRunning || phase === "loading", isNew });
    past.hidden = threadId === "" || isUnknown;
    drawQuestion();
    problems.draw();
    const words = BUSY[phase] ?? "";
    if (busy.textContent !== words) busy.textContent = words;
    // A draft for a thread that is gone begins the next one.
    if (!isEditing) field.open(threadId, wasGone && threadId === "");
    if (phase === "gone" && !wasGone) threads.forget(threadId);
    wasGone = phase === "gone";
    field.draw({ canSend, isSending: phase === "sending", isRunning });
    steps.mark(from);
    threads.mark(threadId);
    fork.hidden = !from;
    const at = from && stepName(from);
    const forked = isEditing
      ? `You change an earlier message: the answer goes on from ${at}. The rest stays among the checkpoints.`
      : `This is ${at}. The next message goes on from here.`;
    const said = from ? forked : "";
    if (forkWords.textContent !== said) forkWords.textContent = said;
    if (isAtEnd && !isUnknown) field.element.scrollIntoView({ block: "nearest" });
    // Another checkpoint makes the conversation shorter or longer above what was pressed: one sees where one is.
    if (from && from !== shownFrom) fork.scrollIntoView({ block: "nearest" });
    shownFrom = from;
  }

  /** Draws once for all the changes that come with one piece of a stream. */
  const soon = new MessageChannel();
  let isDue = false;
  soon.port1.onmessage = () => {
    isDue = false;
    draw();
  };
  function redraw(): void {
    if (isDue) return;
    isDue = true;
    soon.port2.postMessage(0);
  }

  const element = h(
    "div",
    { class: "chat" },
    threads.element,
    h(
      "div",
      { class: "talk" },
      head.element,
      messages.element,
      problems.element,
      approval,
      busy,
      fork,
      field.element,
      past,
    ),
  );

  // Without it texts are shown as they are.
  void import("./markdown.ts").then(
    (loaded) => {
      messages.useMarkdown(loaded);
      redraw();
    },
    () => {},
  );

  return {
    element,
    close: () => conversation.close(),
    async show(detail) {
      const wanted = detail === "new" ? "" : detail || conversation.threadId;
      // A thread that could not be read is read again, as after the login that this wanted.
      const isSame = isOpened && wanted === conversation.threadId && conversation.phase !== "unread";
      isOpened = true;
      await Promise.all([threads.load(), isSame ? steps.mend() : conversation.open(wanted)]);
    },
  };
}
