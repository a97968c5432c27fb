/** How a login code reaches its owner. The local stack keeps a mailbox; a deployed one sends e-mail. */
export interface Mailer {
  /** Resolves when the message has been accepted. Throws when it was not; nothing is then known of its delivery. */
  sendCode(message: CodeMessage): Promise<void>;
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
