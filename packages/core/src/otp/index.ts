/** One-time login codes: bound to their request, single use under any concurrency. See store.ts. */
export { type CodePolicy, defaultCodePolicy, mailboxOf, normalizeEmail } from "./policy.ts";
export { createCodeStore } from "./redis.ts";
export type { CodeStore, Consumed, Issued, IssueRequest } from "./store.ts";
