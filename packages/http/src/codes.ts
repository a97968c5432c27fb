/** Login codes by e-mail, apart from any server: a handler gives what its request says, and gets what to answer. */
import { invalidInput, TenureError } from "@tenure/core/errors";
import { type CodeStore, normalizeEmail } from "@tenure/core/otp";
import { codeDigest, keyedHandle, newChallenge, newCode, parseChallenge } from "@tenure/core/token";

export interface CodeOptions {
  codes: CodeStore;
  /** The key of every keyed hash: a secret of at least 32 characters. */
  pepper: string;
  /** Sends the code to the mailbox. A failure is thrown to whoever asked. */
  send(message: { to: string; code: string }): Promise<void>;
}

export interface Codes {
  /** Sends a code; resolves to the challenge, which the client keeps. Throws `invalid-input`, or `rate-limited` when it is too soon. */
  ask(email: unknown): Promise<{ challenge: string; expiresAt: number; resendAt: number }>;
  /** Uses the code up; resolves to the address that it was sent to. Throws `code-rejected`, or `rate-limited` after too many tries. */
  verify(challenge: unknown, code: unknown): Promise<{ email: string }>;
}

/**
 * The answer to `ask` is the same whether or not somebody has that address: who has an account is for the application to know.
 *
 * @example
 * import { type CodeStore } from "@tenure/core/otp";
 * import { createCodes } from "@tenure/http";
 *
 * declare const store: CodeStore;
 * const codes = createCodes({
 *   codes: store,
 *   pepper: "a secret of at least thirty-two characters",
 *   send: async ({ to, code }) => console.log(`${code} for ${to}`),
 * });
 * const { challenge } = await codes.ask("ada@example.com");
 * const { email } = await codes.verify(challenge, "123456");
 */
export function createCodes({ codes, pepper, send }: CodeOptions): Codes {
  if (pepper.length < 32)
    throw new TenureError({ tag: "misconfigured", problems: ["the pepper must have at least 32 characters"] });
  return {
    async ask(given) {
      const email = typeof given === "string" ? normalizeEmail(given) : undefined;
      if (email === undefined) throw invalidInput("email: give an e-mail address");
      const account = keyedHandle(pepper, "account", email);
      const [challenge, code] = [newChallenge(pepper, account), newCode()];
      const issued = await codes.issue({ account, challenge, digest: codeDigest(pepper, challenge, code), email });
      if (!issued.issued)
        throw new TenureError({ tag: "rate-limited", retryAt: issued.retryAt, waitMs: issued.waitMs });
      await send({ to: email, code });
      return { challenge, expiresAt: issued.expiresAt, resendAt: issued.resendAt };
    },

    async verify(challenge, code) {
      // As people copy it: `123 456`, or in full-width digits.
      const digits = typeof code === "string" ? code.normalize("NFKC").replace(/\s/g, "") : "";
      if (typeof challenge !== "string" || !/^\d{6}$/.test(digits))
        throw invalidInput("challenge: give that of the request for the code", "code: give its six digits");
      const parsed = parseChallenge(pepper, challenge);
      if (!parsed) throw invalidInput("challenge: give that of the request for the code");
      // Nobody was given it, so that no code is bound to it.
      if (parsed === "forged") throw new TenureError({ tag: "code-rejected", why: "gone", attemptsLeft: 0 });
      const consumed = await codes.consume(parsed.account, challenge, codeDigest(pepper, challenge, digits));
      if (consumed.accepted) return { email: consumed.email };
      if (consumed.why === "locked")
        throw new TenureError({ tag: "rate-limited", retryAt: consumed.retryAt, waitMs: consumed.waitMs });
      throw new TenureError({ tag: "code-rejected", why: consumed.why, attemptsLeft: consumed.attemptsLeft });
    },
  };
}
