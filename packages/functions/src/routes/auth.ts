/** Login by e-mailed one-time code, the session, and logout. */
import { TenureError } from "@tenure/core/errors";
import { normalizeEmail } from "@tenure/core/otp";
import type { Session } from "@tenure/core/session";
import { codeDigest, keyedHandle, newChallenge, newCode, newToken, parseChallenge } from "@tenure/core/token";
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Deps } from "../deps.ts";
import { readBody } from "../input.ts";
import { limits, takeOrRefuse } from "../limits.ts";
import { requireSession, type SessionEnv, sessionRefOf, setSessionCookie } from "../middleware/session.ts";

const codeRequest = z.object({ email: z.string().max(320) });
const verifyRequest = z.object({
  challenge: z.string().max(100),
  code: z.string().regex(/^\d{6}$/, "is six digits"),
});

export function authRoutes(deps: Deps): Hono<SessionEnv> {
  const { sessions, codes, windows, users, mailer, pepper, cookie, clock, addressOf } = deps;

  return new Hono<SessionEnv>()
    .post("/code", async (c) => {
      const body = await readBody(c, codeRequest);
      const email = normalizeEmail(body.email);
      if (!email) throw invalid("email: is not an e-mail address");
      const account = keyedHandle(pepper, "account", email);
      await takeOrRefuse(windows, limits.codesPerAddress, addressOf(c));
      await takeOrRefuse(windows, limits.codesPerAccount, account);

      const challenge = newChallenge(account);
      const code = newCode();
      const issued = await codes.issue({ account, challenge, digest: codeDigest(pepper, challenge, code), email });
      if (!issued.issued) throw new TenureError({ tag: "rate-limited", retryAt: issued.retryAt });
      await mailer.sendCode({ to: email, code, expiresAt: issued.expiresAt }).catch((cause: unknown) => {
        throw new TenureError({ tag: "mail-unavailable" }, { cause });
      });
      return c.json({ challenge, expiresAt: issued.expiresAt, resendAt: issued.resendAt }, 202);
    })

    .post("/verify", async (c) => {
      const { challenge, code } = await readBody(c, verifyRequest);
      const account = parseChallenge(challenge)?.account;
      if (!account) throw invalid("challenge: is not one that /auth/code gave");
      await takeOrRefuse(windows, limits.verifiesPerAddress, addressOf(c));

      const consumed = await codes.consume(account, challenge, codeDigest(pepper, challenge, code));
      if (!consumed.accepted) {
        if (consumed.why === "locked") throw new TenureError({ tag: "rate-limited", retryAt: consumed.retryAt });
        throw new TenureError({ tag: "code-rejected", why: consumed.why, attemptsLeft: consumed.attemptsLeft });
      }
      const user = await users.findOrCreate(consumed.email);
      const { token, ref } = newToken(keyedHandle(pepper, "user", user.id));
      const session = await sessions.create(ref, { userId: user.id, email: user.email });
      setSessionCookie(c, cookie, token, session.absoluteExpiresAt - clock.now());
      return c.json({ ...describeSession(session), ...(!isFromBrowser(c) && { token }) });
    })

    .get("/session", requireSession(deps), (c) => c.json(describeSession(c.var.session)))

    .post("/logout", async (c) => {
      const ref = sessionRefOf(c, cookie);
      const ended = ref !== undefined && (await sessions.revoke(ref));
      setSessionCookie(c, cookie, "", 0);
      if (!ended) throw new TenureError({ tag: "session-required" });
      return c.body(null, 204);
    });
}

/**
 * Browsers send Sec-Fetch-Mode, and scripts in them cannot leave it out. So does the `fetch` of Node.js, without
 * the Sec-Fetch-Site that every such browser sends along; that one is a program and needs its token.
 */
function isFromBrowser(c: Context): boolean {
  const nodeFetch = c.req.header("User-Agent") === "node" && c.req.header("Sec-Fetch-Site") === undefined;
  return c.req.header("Sec-Fetch-Mode") !== undefined && !nodeFetch;
}

export interface SessionDescription {
  user: { id: string; email: string };
  /** Instants in epoch milliseconds. */
  session: { id: string; createdAt: number; idleExpiresAt: number; absoluteExpiresAt: number };
}

function describeSession({ id, data, createdAt, idleExpiresAt, absoluteExpiresAt }: Session): SessionDescription {
  return {
    user: { id: data.userId, email: data.email },
    session: { id, createdAt, idleExpiresAt, absoluteExpiresAt },
  };
}

const invalid = (issue: string) => new TenureError({ tag: "invalid-input", issues: [issue] });
