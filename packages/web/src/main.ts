/** The login demo: e-mail, code, and one conversation. Shows one of its parts at a time. */
import type { SessionDescription } from "@tenure/functions/routes/auth";
import { ApiError, type Challenge, currentSession, logout, requestCode, verifyCode } from "./api.ts";
import { type Chat, loadChat, type Message, openThread, run } from "./chat.ts";

const part = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const [emailForm, codeForm, home, chatForm] = ["email-form", "code-form", "home", "chat-form"].map((id) => part(id));
const [email, code, text] = ["email", "code", "text"].map((id) => part<HTMLInputElement>(id)) as [
  HTMLInputElement,
  HTMLInputElement,
  HTMLInputElement,
];

let challenge: Challenge | undefined;
let threadId = "";

function show(wanted: HTMLElement | undefined, focus: HTMLElement): void {
  for (const each of [emailForm, codeForm, home]) if (each) each.hidden = each !== wanted;
  focus.focus();
}

function say(words: string): void {
  part("notice").textContent = words;
}

/** Runs what a person asked for, and says what went wrong. A session that has ended leads back to the login. */
function guarded(action: () => Promise<void>): () => Promise<void> {
  return async () => {
    say("");
    try {
      await action();
    } catch (error) {
      const ended = error instanceof ApiError || (error as { status?: number }).status !== undefined;
      if (ended && (error as { status: number }).status === 401 && home && !home.hidden) {
        show(emailForm, email);
        say("Your session has ended. Log in again.");
      } else say((error as Error).message);
    }
  };
}

function on(element: HTMLElement | undefined, event: string, action: () => Promise<void>): void {
  const run = guarded(action);
  element?.addEventListener(event, (raised) => {
    raised.preventDefault();
    void run();
  });
}

async function enter({ user, session }: SessionDescription): Promise<void> {
  const until = new Date(Math.min(session.idleExpiresAt, session.absoluteExpiresAt));
  part("who").textContent = user.email;
  part<HTMLTimeElement>("until").dateTime = until.toISOString();
  part("until").textContent = until.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  threadId = await openThread();
  draw(await loadChat(threadId));
  show(home, text);
}

function draw({ messages, question }: Chat): void {
  part("messages").replaceChildren(...messages.flatMap(item));
  part("approval").hidden = question === undefined;
  part("question").textContent = question ?? "";
}

function item(message: Message): HTMLLIElement[] {
  const calls = message.tool_calls?.map(({ name, args }) => `${name}(${JSON.stringify(args)})`) ?? [];
  const words = [typeof message.content === "string" ? message.content : JSON.stringify(message.content), ...calls];
  const line = document.createElement("li");
  line.dataset.type = calls.length > 0 ? "tool" : message.type;
  line.textContent = words.filter(Boolean).join("\n");
  return line.textContent ? [line] : [];
}

on(emailForm, "submit", async () => {
  challenge = await requestCode(email.value);
  show(codeForm, code);
  say(`A code is on its way to ${email.value}.`);
});

on(part("other-email"), "click", async () => show(emailForm, email));

on(codeForm, "submit", async () => {
  if (!challenge) return show(emailForm, email);
  await verifyCode(challenge.challenge, code.value.replaceAll(/\s/g, ""));
  code.value = "";
  const session = await currentSession();
  if (session) await enter(session);
  else
    say(
      "This browser did not keep the session cookie. On http://localhost, Safari needs TENURE_COOKIE=plain npm start.",
    );
});

on(part("logout"), "click", async () => {
  await logout();
  draw({ messages: [], question: undefined });
  show(emailForm, email);
  say("You are logged out.");
});

on(chatForm, "submit", async () => {
  const sent = text.value;
  text.value = "";
  await run(threadId, { text: sent }, draw);
});
on(part("approve"), "click", () => run(threadId, { approved: true }, draw));
on(part("decline"), "click", () => run(threadId, { approved: false }, draw));

await guarded(async () => {
  const session = await currentSession();
  if (session) await enter(session);
  else show(emailForm, email);
})();
