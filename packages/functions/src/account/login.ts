/** Login by e-mailed one-time code, the session, and logout. The routes on a user's sessions are in sessions.ts. */
import { invalidInput, isOutcomeUnknown, isTenureError, TenureError } from "@tenure/core/errors";
import { mailboxOf, normalizeEmail } from "@tenure/core/otp";
import { codeDigest, newChallenge, newCode, parseChallenge, type SessionRef } from "@tenure/core/token";
import { type Context, Hono } from "hono";
import { networkOf } from "../http/address.ts";
import { changed, fields, text } from "../http/check.ts";
import { accountOf, type Identity } from "../http/identity.ts";
import { readBody } from "../http/input.ts";
import { limits, type RouteLimit, takeOrRefuse } from "../http/limits.ts";
import type { Happening } from "../http/operator/activity.ts";
import { clearSessionCookie, type SessionEnv, session, sessionRefOf } from "../http/session/session.ts";
import { beginSession, describeSession, recordLogout, type SessionDescription } from "./begin-session.ts";
import type { AccountDeps } from "./deps.ts";
import { originOf } from "./device.ts";
import { knownBrowserOf } from "./known-browser.ts";
import { mailFaultOf } from "./mailer.ts";

export type { SessionDescription };

/** A limit and who is counted; nobody where that is not known. */
type Counted = readonly [RouteLimit, string | undefined];
type Refusal = Pick<Happening, "kind" | "detail">;

const codeRequest = fields({ email: text({ max: 320 }) });
/** As people copy and type it: `123 456`, `123-456`, with a line's end, in full-width digits. */
const typedCode = changed(text({ max: 100 }), digitsOf, "is six digits");
const verifyRequest = fields({ challenge: text({ max: 100 }), code: typedCode });

function digitsOf(typed: string): string | undefined {
  const code = typed.normalize("NFKC").replace(/[\s\p{Cf}\p{Pd}]/gu, "");
  return /^[0-9]{6}$/.test(code) ? code : undefined;
}

export function authRoutes(deps: AccountDeps): Hono<SessionEnv<Identity>> {
  const { sessions, codes, windows, mailer, activity, pepper, cookie, addressOf, report, onFault } = deps;

  /** Rethrows a logout's error. When its outcome is unknown, the session's id is reported, since its account is not known. */
  function unconfirmed({ id }: SessionRef, error: unknown): never {
    if (isOutcomeUnknown(error)) report(JSON.stringify({ level: "warn", event: "logout-unconfirmed", session: id }));
    throw error;
  }

  /** Counts a request where it is told to, in this order, and puts a refusal on the account's record. */
  async function takeOfAccount(c: Context, account: string, refused: Refusal, counted: Counted[]): Promise<void> {
    try {
      for (const [limit, subject] of counted) if (subject) await takeOrRefuse(c, windows, limit, subject);
    } catch (error) {
      if (isTenureError(error, "rate-limited"))
        activity.record({ account, ...refused, origin: originOf(c, addressOf) });
      throw error;
    }
  }

  return new Hono<SessionEnv<Identity>>()
    .post("/code", async (c) => {
      const body = await readBody(c, codeRequest);
      const email = normalizeEmail(body.email);
      if (!email) throw invalidInput("email: is not an e-mail address");
      const account = accountOf(pepper, email);
      const browser = knownBrowserOf(c, deps, account);
      if (browser)
        await takeOfAccount(c, account, { kind: "code-withheld" }, [
          [limits.codesPerBrowser, account + browser],
          [limits.codesPerBrowsers, account],
          [limits.codesToBrowsers, "all"],
        ]);
      else {
        const { subject, coarse } = networkOf(addressOf(c));
        await takeOrRefuse(c, windows, limits.codesPerAddress, subject);
        if (coarse) await takeOrRefuse(c, windows, limits.codesPerNetwork, coarse);
        await takeOfAccount(c, account, { kind: "code-withheld" }, [
          [limits.codesPerMailbox, mailboxOf(email)],
          [limits.codesPerService, "all"],
        ]);
      }

      const challenge = newChallenge(pepper, account);
      const code = newCode();
      const digest = codeDigest(pepper, challenge, code);
      const issued = await codes.issue({ account, challenge, digest, email, browser });
      if (!issued.issued) {
        activity.record({ account, kind: "code-withheld", origin: originOf(c, addressOf) });
        throw new TenureError({ tag: "rate-limited", retryAt: issued.retryAt, waitMs: issued.waitMs });
      }
      await mailer.sendCode({ to: email, code, expiresAt: issued.expiresAt }).catch((cause: unknown) => {
        const fault = mailFaultOf(cause);
        onFault("mail", fault);
        throw new TenureError({ tag: "mail-unavailable", ...(fault.isPermanent && { why: "refused" }) }, { cause });
      });
      return c.json({ challenge, expiresAt: issued.expiresAt, resendAt: issued.resendAt }, 202);
    })

    .post("/verify", async (c) => {
      const { challenge, code } = await readBody(c, verifyRequest);
      const known = parseChallenge(pepper, challenge);
      if (!known) throw invalidInput("challenge: is not one that /auth/code gave");
      const browser = known === "forged" ? undefined : knownBrowserOf(c, deps, known.account);
      if (!browser) {
        const { subject, coarse } = networkOf(addressOf(c));
        await takeOrRefuse(c, windows, limits.verifiesPerAddress, subject);
        if (coarse) await takeOrRefuse(c, windows, limits.verifiesPerNetwork, coarse);
      }
      if (known === "forged") throw new TenureError({ tag: "code-rejected", why: "gone", attemptsLeft: 0 });
      const { account } = known;
      const limited = { kind: "login-refused", detail: { why: "limited" } } as const;
      await takeOfAccount(
        c,
        account,
        limited,
        browser
          ? [
              [limits.verifiesPerBrowser, account + browser],
              [limits.verifiesPerBrowsers, account],
            ]
          : [[limits.verifiesPerAccount, account]],
      );

      const origin = originOf(c, addressOf);
      const consumed = await codes.consume(account, challenge, codeDigest(pepper, challenge, code), browser);
      if (!consumed.accepted) {
        activity.record({ account, kind: "login-refused", origin, detail: { why: consumed.why } });
        if (consumed.why === "locked") {
          const { retryAt, waitMs } = consumed;
          throw new TenureError({ tag: "rate-limited", retryAt, waitMs });
        }
        throw new TenureError({ tag: "code-rejected", why: consumed.why, attemptsLeft: consumed.attemptsLeft });
      }
      return beginSession(c, deps, { email: consumed.email, account, origin });
    })

    .get("/session", session(deps), (c) => c.json(describeSession(c.var.session)))

    .post("/logout", async (c) => {
      const ref = sessionRefOf(c, cookie);
      const ended = ref && (await sessions.revoke(ref).catch((error: unknown) => unconfirmed(ref, error)));
      clearSessionCookie(c, cookie);
      if (!ended) throw new TenureError({ tag: "session-required" });
      recordLogout(c, deps, ended);
      return c.body(null, 204);
    });
}
