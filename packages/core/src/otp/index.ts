/** Login codes: bound to their request, and used once under any concurrency. See store.ts. */
export { type CodePolicy, defaultCodePolicy, mailboxOf, normalizeEmail } from "./policy.ts";
export { createCodeStore } from "./redis.ts";
export type { CodeStore, Consumed, Issued, IssueRequest } from "./store.ts";
