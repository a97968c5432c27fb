/** The way in: an address, then the code that was sent to it. Errors are said where they happen. */
import { type Challenge, currentSession, requestCode, type SessionDescription, serverNow, verifyCode } from "./api.ts";
import { h, type Screen, submitted } from "./dom.ts";
import { duration } from "./words.ts";

const SAFARI =
  "This browser did not keep the session cookie. On http://localhost, Safari needs TENURE_COOKIE=plain npm start.";

export function loginScreen(
  onLogin: (session: SessionDescription) => void,
): Screen & { expectUser(email: string): void } {
  let challenge: Challenge | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;

  const emailError = h("p", { class: "error", id: "email-error", role: "alert" });
  const email = h("input", {
    id: "email",
    type: "email",
    autocomplete: "email",
    required: true,
    "aria-describedby": "email-error",
  });
  const codeError = h("p", { class: "error", id: "code-error", role: "alert" });
  const code = h("input", {
    id: "code",
    class: "code",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    maxlength: 11,
    required: true,
    "aria-describedby": "code-time code-error",
    input: () => {
      code.value = code.value.replaceAll(/\D/g, "").slice(0, 6);
      if (code.value.length === 6) codeForm.requestSubmit();
    },
  });
  const time = h("p", { id: "code-time", class: "hint" });
  const resend = h(
    "button",
    { type: "button", class: "quiet", click: () => void ask(code, codeError) },
    "Send another code",
  );
  const sent = h("p", {});
  const emailForm = h(
    "form",
    { submit: submitted(() => ask(code, emailError)) },
    h("label", { for: "email" }, "E-mail"),
    email,
    emailError,
    h("button", { type: "submit" }, "Send me a code"),
  );
  const codeForm = h(
    "form",
    { hidden: true, submit: submitted(verify) },
    sent,
    h("label", { for: "code" }, "The six-digit code"),
    code,
    time,
    codeError,
    h("button", { type: "submit" }, "Log in"),
    h(
      "div",
      { class: "row" },
      resend,
      h("button", { type: "button", class: "quiet", click: () => step(false) }, "Use another address"),
    ),
  );

  function step(hasCode: boolean): void {
    emailForm.hidden = hasCode;
    codeForm.hidden = !hasCode;
    clearInterval(timer);
    if (hasCode) timer = setInterval(tick, 1000);
    (hasCode ? code : email).focus();
  }

  function tick(): void {
    if (!challenge) return;
    const [left, wait] = [challenge.expiresAt - serverNow(), challenge.resendAt - serverNow()];
    time.textContent =
      left > 0 ? `It works for another ${duration(left)}.` : "This code has expired: send another one.";
    resend.disabled = wait > 0;
    resend.textContent = wait > 0 ? `Send another code in ${duration(wait + 999)}` : "Send another code";
  }

  async function ask(focus: HTMLInputElement, error: HTMLElement): Promise<void> {
    error.textContent = "";
    try {
      challenge = await requestCode(email.value);
      sent.textContent = `A code is on its way to ${email.value}.`;
      code.value = "";
      codeError.textContent = "";
      step(true);
      tick();
      focus.focus();
    } catch (problem) {
      error.textContent = (problem as Error).message;
    }
  }

  let verifying = false;
  async function verify(): Promise<void> {
    if (!challenge || verifying) return;
    verifying = true;
    codeError.textContent = "";
    try {
      await verifyCode(challenge.challenge, code.value);
      code.value = "";
      const session = await currentSession();
      if (!session) throw new Error(SAFARI);
      step(false);
      onLogin(session);
    } catch (problem) {
      codeError.textContent = (problem as Error).message;
      code.select();
    } finally {
      verifying = false;
    }
  }

  return {
    element: h(
      "section",
      { class: "narrow", "aria-labelledby": "login-title" },
      h("h1", { id: "login-title", tabindex: -1 }, "Log in"),
      emailForm,
      codeForm,
    ),
    title: "Log in",
    expectUser: (address) => {
      email.value = address;
    },
    show: () => step(!codeForm.hidden),
    hide: () => clearInterval(timer),
  };
}
