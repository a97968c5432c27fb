/** How one-time login codes behave. All durations in milliseconds. */
export interface CodePolicy {
  /** A code can be used for this long. */
  ttlMs: number;
  /** An account may be sent another code after this long; 0 for at once. */
  resendMs: number;
  /** How many tries one code gives. */
  attemptsPerCode: number;
  /** How many wrong tries an account gives, over all its codes, before it refuses every code for a while. */
  failuresPerAccount: number;
  /** For how long wrong tries of an account are remembered, from the first one. A login forgets them. */
  failureWindowMs: number;
}

const MINUTE = 60_000;

export const defaultCodePolicy: CodePolicy = {
  ttlMs: 10 * MINUTE,
  resendMs: 30_000,
  attemptsPerCode: 5,
  failuresPerAccount: 20,
  failureWindowMs: 60 * MINUTE,
};

const MAX_EMAIL = 254;
const EMAIL =
  /^[^\s\p{C}@"(),:;<>[\\\]]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u;

/**
 * The e-mail address as accounts know it, or undefined when it is none. Case is folded in the local part too:
 * no provider tells mailboxes apart by it, and people type it as they like. Quoted local parts, comments and
 * address literals are refused, and characters that nobody sees. Lengths are those of RFC 5321, section 4.5.3.1.
 */
export function normalizeEmail(text: string): string | undefined {
  const email = text.trim().normalize("NFC").toLowerCase();
  if (email.length > MAX_EMAIL || !EMAIL.test(email)) return undefined;
  return email.startsWith(".") || email.includes("..") || email.includes(".@") ? undefined : email;
}
