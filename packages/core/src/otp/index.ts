/**
 * Login codes: bound to their request, and used once under any concurrency. See store.ts.
 *
 * @example
 * import { createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
 * import { connectRedis } from "@tenure/core/redis";
 * import { codeDigest, keyedHandle, newChallenge, newCode } from "@tenure/core/token";
 *
 * const pepper = "a secret of at least thirty-two characters";
 * const codes = createCodeStore(connectRedis({ url: "https://….upstash.io", token: "…" }), defaultCodePolicy);
 * const account = keyedHandle(pepper, "account", "ada@example.com");
 * const [challenge, code] = [newChallenge(pepper, account), newCode()];
 * await codes.issue({ account, challenge, digest: codeDigest(pepper, challenge, code), email: "ada@example.com" });
 * const { accepted } = await codes.consume(account, challenge, codeDigest(pepper, challenge, "123456"));
 */
export { type CodePolicy, defaultCodePolicy, mailboxOf, normalizeEmail } from "./policy.ts";
export { createCodeStore } from "./redis.ts";
export type { CodeStore, Consumed, Issued, IssueRequest } from "./store.ts";
