/**
 * Tokens, marks, challenges and codes that a client holds, and the hashes that the stores hold in place of its secrets.
 *
 * A session token is `handle.secret`. The handle is a keyed hash of the user id: it names the user's slot
 * in Redis without naming the user. The secret is 256 random bits, of which only the SHA-256 is stored.
 * The pepper is the key of every keyed hash here; whoever reads Redis without it can neither guess a
 * handle nor try codes.
 */
import { createHash, createHmac, randomBytes, randomInt, timingSafeEqual } from "node:crypto";

const HANDLE = /^[A-Za-z0-9_-]{22}$/;
const TOKEN = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
const MARK = /^([A-Za-z0-9_-]{22}\.(\d{1,15}))\.([A-Za-z0-9_-]{22})$/;
const CHALLENGE = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{22})$/;

/** The parts of a session token that the store works with; `id` is the SHA-256 of the secret, base64url. */
export interface SessionRef {
  handle: string;
  id: string;
}

/** A keyed hash of `value`, 128 bits as 22 base64url characters; `domain` keeps uses apart. */
export function keyedHandle(pepper: string, domain: string, value: string): string {
  return createHmac("sha256", pepper).update(`${domain}\0${value}`).digest().subarray(0, 16).toString("base64url");
}

/** A new token for the user behind `handle`, with the reference under which it is stored. */
export function newToken(handle: string): { token: string; ref: SessionRef } {
  if (!HANDLE.test(handle)) throw new TypeError("a handle is 22 base64url characters");
  const secret = randomBytes(32).toString("base64url");
  return { token: `${handle}.${secret}`, ref: { handle, id: sha256(secret) } };
}

/** The reference of a token, or undefined when its shape is wrong; a store is never asked about such a one. */
export function parseToken(token: string): SessionRef | undefined {
  const match = TOKEN.exec(token);
  return match ? { handle: match[1] as string, id: sha256(match[2] as string) } : undefined;
}

/**
 * A challenge names one request for a code: the account's handle, 128 random bits and a keyed hash of both. So one
 * that was made up is known as such without asking a store, and cannot count against, or be recorded for, an account.
 */
export function newChallenge(pepper: string, account: string): string {
  const nonce = randomBytes(16).toString("base64url");
  return `${account}.${nonce}${sealOf(pepper, account, nonce)}`;
}

/** The account's handle within a challenge; "forged" when nobody was given it, undefined when it is misshapen. */
export function parseChallenge(pepper: string, challenge: string): { account: string } | "forged" | undefined {
  const match = CHALLENGE.exec(challenge);
  if (!match) return undefined;
  const [, account, nonce, seal] = match as unknown as [string, string, string, string];
  const genuine = timingSafeEqual(Buffer.from(sealOf(pepper, account, nonce)), Buffer.from(seal));
  return genuine ? { account } : "forged";
}

/**
 * Makes a mark for a browser that has logged in to an account: 128 random bits, until when it counts (epoch milliseconds), and a keyed hash of
 * both and the account. It opens nothing.
 *
 * @example
 * const mark = newMark(pepper, account, Date.now() + 86_400_000);
 * parseMark(pepper, account, mark, Date.now()); // a name of this mark
 */
export function newMark(pepper: string, account: string, until: number): string {
  const id = `${randomBytes(16).toString("base64url")}.${until}`;
  return `${id}.${markOf(pepper, account, id)}`;
}

/** The name of a mark that was given for this account and counts still; undefined for any other text. */
export function parseMark(pepper: string, account: string, mark: string, now: number): string | undefined {
  const [, id, until, seal] = MARK.exec(mark) ?? [];
  if (id === undefined || seal === undefined || !(Number(until) > now)) return undefined;
  return timingSafeEqual(Buffer.from(markOf(pepper, account, id)), Buffer.from(seal)) ? id : undefined;
}

const markOf = (pepper: string, account: string, id: string) => keyedHandle(pepper, "mark", `${account}.${id}`);

const sealOf = (pepper: string, account: string, nonce: string) =>
  keyedHandle(pepper, "challenge", `${account}.${nonce}`);

/** A uniformly random code of six digits, leading zeros kept. */
export function newCode(): string {
  return randomInt(0, 1_000_000).toString().padStart(6, "0");
}

/** Returns the digest that is stored of a code: it opens nothing without the challenge and the pepper. Base64url, 43 characters. */
export function codeDigest(pepper: string, challenge: string, code: string): string {
  return createHmac("sha256", pepper).update(`code\0${challenge}\0${code}`).digest("base64url");
}

/** An identifier nobody can guess: `prefix_` and 128 random bits. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(16).toString("base64url")}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
