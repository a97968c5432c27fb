/**
 * The way in: an address, then the code that was sent to it. Errors are said where they happen.
 *
 *     address  -> sending   "Send me a code"; a code that this tab waits for, and that is still good, is asked for again only when
 *                           another one may be sent
 *     sending  -> code      the field, and how long the code works
 *              -> address   refused; where there were too many, the button counts down to the next
 *     code     -> checking  the sixth digit, or "Log in": never a code that was refused before
 *              -> sending   "Send another code", once it may be sent
 *              -> address   "Use another address"
 *     checking -> code      refused, or no answer
 *              -> in        session/session.ts goes on
 */
import { type ActionButton, actionButton } from "../page/button.ts";
import { h, type Screen, section, submitted } from "../page/dom.ts";
import { duration, wait } from "../page/words.ts";
import {
  currentSession,
  type InfoDescription,
  requestCode,
  type SessionDescription,
  verifyCode,
} from "../server/account.ts";
import { serverNow } from "../server/clock.ts";
import { Failure, failureOf } from "../server/failure.ts";
import { keepChallenge, loadChallenge, type Waiting } from "./challenge.ts";
import { codeIn } from "./code.ts";

const SAFARI =
  "This browser did not keep the session cookie. On http://localhost, Safari needs TENURE_COOKIE=plain npm start.";
const TOO_SOON =
  "A code was sent a moment ago, maybe from another tab: it works there. The button says when another one can be sent.";
const NO_ADDRESS = "This is not an e-mail address. Look at it again.";
const DIGITS = 6;
const TICK_MS = 1000;

interface LoginOptions {
  loggedIn: (session: SessionDescription) => void;
  info: () => Promise<InfoDescription>;
}

interface LoginScreen extends Screen {
  expectUser(email: string): void;
  /** Somebody is logged in: the next login begins anew. */
  done(): void;
}

export function loginScreen({ loggedIn, info }: LoginOptions): LoginScreen {
  let waiting = loadChallenge();
  let timer: ReturnType<typeof setInterval> | undefined;
  /** No request of the kind is let through before, by the server's clock. */
  let nextCodeAt = 0;
  let nextTryAt = 0;
  /** The page has said that the code has expired. */
  let isOver = false;

  const emailError = h("p", { class: "error", id: "email-error", role: "alert" });
  const email = h("input", {
    id: "email",
    type: "email",
    autocomplete: "email",
    required: true,
    "aria-describedby": "email-error",
    // Limits are mostly an address' own.
    input: () => {
      nextCodeAt = 0;
      tick();
    },
  });
  const codeError = h("p", { class: "error", id: "code-error", role: "alert" });
  const code = h("input", {
    id: "code",
    class: "code",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    required: true,
    "aria-describedby": "code-time code-error",
    input: (event) => (event as InputEvent).isComposing || read(),
    compositionend: () => read(),
  });
  const time = h("p", { id: "code-time", class: "hint" });
  const sent = h("p", { dir: "auto" });
  const mailbox = h("p", { class: "hint" });
  const policy = h("p", { class: "hint" });

  const send = actionButton("Send me a code", "Sending…", ask(emailError), { type: "submit" });
  const check = actionButton("Log in", "Logging in…", verify, { type: "submit" });
  const resend = actionButton("Send another code", "Sending…", ask(codeError), { class: "quiet" });
  const emailForm = h(
    "form",
    { submit: submitted(() => send.run()) },
    h("label", { for: "email" }, "E-mail"),
    email,
    emailError,
    send.button,
    policy,
  );
  const codeForm = h(
    "form",
    { hidden: true, novalidate: true, submit: submitted(() => check.run()) },
    sent,
    mailbox,
    h("label", { for: "code" }, "The six-digit code"),
    code,
    time,
    codeError,
    check.button,
    h(
      "div",
      { class: "row" },
      resend.button,
      h("button", { type: "button", class: "quiet", click: () => step(false) }, "Use another address"),
    ),
  );

  function step(hasCode: boolean): void {
    emailForm.hidden = hasCode;
    codeForm.hidden = !hasCode;
    clearInterval(timer);
    timer = setInterval(tick, TICK_MS);
    if (hasCode && waiting) sent.textContent = `A code is on its way to ${waiting.email}.`;
    isOver = false;
    tick();
    void hints().catch(() => {});
    (hasCode ? code : email).focus();
  }

  function tick(): void {
    const now = serverNow();
    counting(send, nextCodeAt - now, "Send me a code");
    counting(check, nextTryAt - now, "Log in");
    if (!waiting) return;
    const left = waiting.expiresAt - now;
    // The error of a code is of no use once the code has expired.
    if (left <= 0 && !isOver) codeError.textContent = "";
    isOver = left <= 0;
    time.textContent =
      left > 0 ? `It works for another ${duration(left)}.` : "This code has expired: send another one.";
    counting(resend, Math.max(waiting.resendAt, nextCodeAt) - now, "Send another code");
  }

  function keep(found: Waiting | undefined): void {
    waiting = found;
    keepChallenge(found);
  }

  function ask(error: HTMLElement): () => Promise<void> {
    return async () => {
      error.textContent = "";
      const address = error === codeError && waiting ? waiting.email : email.value.trim();
      // The code that this tab waits for is still good.
      const now = serverNow();
      if (waiting?.email === address && waiting.resendAt > now && waiting.expiresAt > now) return step(true);
      try {
        keep({ ...(await requestCode(address)), email: address, refused: [] });
        code.value = "";
        codeError.textContent = "";
        nextTryAt = 0;
        step(true);
      } catch (thrown) {
        const failure = failureOf(thrown);
        if (failure.retryAt) nextCodeAt = failure.retryAt;
        error.textContent =
          (failure.kind === "limited" && TOO_SOON) ||
          (failure.tag === "invalid-input" && NO_ADDRESS) ||
          failure.message;
        tick();
      }
    };
  }

  /** Takes what was typed or pasted; the last digit sends it, once. */
  function read(): void {
    const typed = codeIn(code.value);
    if (typed !== code.value) code.value = typed;
    if (typed.length === DIGITS && !waiting?.refused.includes(typed)) void check.run();
    else if (typed.length < DIGITS) codeError.textContent = "";
  }

  async function verify(): Promise<void> {
    const asked = waiting;
    if (!asked) return step(false);
    const typed = codeIn(code.value);
    if (typed.length < DIGITS) {
      codeError.textContent = "A code has six digits.";
      return;
    }
    if (asked.refused.includes(typed)) {
      codeError.textContent = "This code was tried already, and is not right. Look at the message again.";
      return;
    }
    codeError.textContent = "";
    code.readOnly = true;
    try {
      loggedIn(await logIn(asked.challenge, typed));
    } catch (thrown) {
      const failure = failureOf(thrown);
      // Another code may have been sent meanwhile, of which nothing is known yet.
      if (failure.tag === "code-rejected" && waiting === asked) keep({ ...asked, refused: [...asked.refused, typed] });
      if (failure.retryAt) nextTryAt = failure.retryAt;
      codeError.textContent =
        failure.kind === "limited"
          ? "Too many wrong tries. The button says when the next is let through."
          : failure.message;
      tick();
      code.readOnly = false;
      code.focus();
      code.select();
    } finally {
      code.readOnly = false;
    }
  }

  /** Logs in. A lost answer may have logged in all the same, which the cookie then tells. */
  async function logIn(challenge: string, typed: string): Promise<SessionDescription> {
    let begun: SessionDescription | undefined;
    let refusal: Failure | undefined;
    try {
      begun = await verifyCode(challenge, typed);
    } catch (thrown) {
      refusal = failureOf(thrown);
      if (refusal.kind !== "unreachable" && refusal.kind !== "unavailable") throw refusal;
    }
    const found = await currentSession().catch(() => refusal ?? begun);
    if (found && "session" in found) return found;
    throw refusal ?? new Failure("refused", SAFARI);
  }

  /** Hints about the stage, asked for at each step until they are there; the way in does not wait for them. */
  async function hints(): Promise<void> {
    if (policy.textContent) return;
    const { sessions, local } = await info();
    policy.textContent = `A login lasts ${duration(sessions.absoluteMs)}, or until it is not used for ${duration(sessions.idleMs)}.`;
    if (!local) return;
    mailbox.replaceChildren(
      "This server sends no mail: the code is in ",
      h("a", { href: local.mailbox, target: "_blank", rel: "noopener" }, "its mailbox"),
      " and in the terminal.",
    );
  }

  return {
    element: section("login", "Log in", { class: "narrow" }, emailForm, codeForm),
    title: "Log in",
    expectUser: (address) => {
      email.value = address;
    },
    done() {
      keep(undefined);
      code.value = "";
      codeError.textContent = "";
      emailForm.hidden = false;
      codeForm.hidden = true;
    },
    show() {
      if (waiting && !email.value) email.value = waiting.email;
      step(waiting !== undefined && waiting.expiresAt > serverNow());
    },
    hide: () => clearInterval(timer),
  };
}

/** A button that says how long it has to wait. */
function counting({ label }: ActionButton, ms: number, words: string): void {
  label(ms > 0 ? `${words} in ${wait(ms)}` : words, ms > 0);
}
