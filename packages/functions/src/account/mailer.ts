import type { StoreFault } from "@tenure/core/errors";
import { errorJson } from "../http/json.ts";

/** How a login code reaches its owner. The local stack keeps a mailbox; a deployed one sends e-mail. */
export interface Mailer {
  /** Resolves when the message has been accepted. Throws when it was not; nothing is then known of its delivery. */
  sendCode(message: CodeMessage): Promise<void>;
}

/** Words of mail services for messages that they will not take until an operator changes something: SES', and SMTP's. */
const PERMANENT =
  /not verified|sandbox|not authorized|AccessDenied|UnrecognizedClient|InvalidClientToken|InvalidSignature|ExpiredToken|security token|paused|suspended|MailFromDomain|\b53[045]\b/i;
const MAX_WORDS = 200;

/** Tells the operator of a message that was not sent, by the service's own words, without addresses and numbers that may be codes. */
export function mailFaultOf(error: unknown): StoreFault {
  const words = errorJson(error)
    .message.replace(/\S+(?:@|%40)\S+/g, "…")
    .replace(/\d(?:[\s-]?\d){3,}/g, "…")
    .slice(0, MAX_WORDS);
  const code = error instanceof Error && "code" in error ? error.code : /\b[45]\d\d\b/.exec(words)?.[0];
  return {
    ...{ operation: "sendCode", error: words, isPermanent: PERMANENT.test(words) },
    ...(typeof code === "string" && { code }),
  };
}

/** `expiresAt` is epoch milliseconds. */
export interface CodeMessage {
  to: string;
  code: string;
  expiresAt: number;
}

export function codeSubject({ code }: CodeMessage): string {
  return `${code} is your Tenure login code`;
}

export function codeText({ code, expiresAt }: CodeMessage, now: number): string {
  const minutes = Math.max(1, Math.round((expiresAt - now) / 60_000));
  return [
    `Your login code is ${code}.`,
    `It works once, within ${minutes} minutes, in the window where you asked for it.`,
    "If you did not ask for it, somebody typed your address by mistake; there is nothing to do.",
  ].join("\n\n");
}
