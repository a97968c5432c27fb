import { domainToASCII } from "node:url";

/** How one-time login codes behave. All durations in milliseconds. */
export interface CodePolicy {
  /** A code can be used for this long. */
  ttlMs: number;
  /** An account may be sent another code after this long; 0 for at once. */
  resendMs: number;
  /** The number of tries that one code gives. */
  attemptsPerCode: number;
  /** The number of wrong tries, over all codes of an account, after which it refuses every code for a while. */
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
/** Letters, digits and dots of any script; what is none of these, `%` for one, has a meaning to a URL that it has not to mail. */
const DOMAIN = /^[\p{L}\p{M}\p{N}.\u3002\uff0e\uff61-]+$/u;
const EMAIL =
  /^[^\s\p{C}@"(),:;<>[\\\]]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u;

/**
 * The e-mail address as accounts know it, or undefined when it is none. Case is folded in the local part too:
 * no provider tells mailboxes apart by it, and people type it as they like. Quoted local parts, comments and
 * address literals are refused, and characters that nobody sees. Lengths are those of RFC 5321, section 4.5.3.1. A domain of other
 * scripts is taken in the form that the mail goes to: `ada@bücher.example` is `ada@xn--bcher-kva.example`.
 */
export function normalizeEmail(text: string): string | undefined {
  const typed = text.trim().normalize("NFC").toLowerCase();
  const at = typed.lastIndexOf("@") + 1;
  const email = typed.slice(0, at) + asciiOf(typed.slice(at));
  if (email.length > MAX_EMAIL || !EMAIL.test(email)) return undefined;
  return email.startsWith(".") || email.includes("..") || email.includes(".@") ? undefined : email;
}

/** The domain in ASCII (UTS 46); what is none stays as it is, and matches no address. */
function asciiOf(domain: string): string {
  if (/^[\x20-\x7e]*$/.test(domain) || !DOMAIN.test(domain)) return domain;
  const ascii = domainToASCII(domain);
  // A URL's host may be a number; a domain of digits is none that mail goes to.
  return /^[\d.]+$/.test(ascii) ? domain : ascii;
}

/** Providers whose mailboxes have many names: dots in the local part are nothing, and both domains are one. */
const GMAIL = /^(?:gmail|googlemail)\.com$/;

/**
 * The mailbox that an address of `normalizeEmail` is delivered to, as far as its form tells: without its plus part.
 *
 * @example
 * mailboxOf("ada+news@example.com"); // ada@example.com
 */
export function mailboxOf(email: string): string {
  const at = email.lastIndexOf("@");
  const [local, domain] = [email.slice(0, at), email.slice(at + 1)];
  const plain = local.replace(/(?<=.)\+.*$/, "");
  return GMAIL.test(domain) ? `${plain.replaceAll(".", "")}@gmail.com` : `${plain}@${domain}`;
}
