/**
 * Every error that Tenure raises on purpose, as one union of tagged values.
 *
 * A refusal says that the caller may not have what was asked for; a fault says that Tenure could not
 * find out. They are never the same value: "there is no such session" is `session-required`, "Redis did
 * not answer" is `store-unavailable`.
 *
 * `retryAt` is epoch milliseconds by the clock of whoever counts, and `waitMs` how long it is until then by that clock.
 */
export type Refusal =
  | { tag: "session-required" }
  | { tag: "step-up-required"; maxAgeMs: number }
  | { tag: "session-not-found" }
  | { tag: "code-rejected"; why: CodeRejection; attemptsLeft: number }
  | { tag: "rate-limited"; retryAt: number; waitMs: number }
  | { tag: "thread-not-found"; threadId: string }
  | { tag: "thread-exists"; threadId: string }
  | { tag: "thread-busy"; threadId: string }
  | { tag: "state-locked"; threadId: string }
  | { tag: "run-not-found"; runId: string }
  | { tag: "checkpoint-not-found"; checkpointId: string }
  | { tag: "assistant-not-found"; assistantId: string }
  | { tag: "assistant-exists"; assistantId: string }
  | { tag: "assistant-readonly"; assistantId: string }
  | { tag: "record-damaged"; what: string; advice: string }
  | { tag: "invalid-input"; issues: string[] }
  | { tag: "body-too-large"; limitBytes: number }
  | { tag: "cross-origin" }
  | { tag: "route-not-found" }
  | { tag: "method-not-allowed"; allow: string[] }
  | { tag: "not-implemented"; feature: string };

/**
 * Why a login code was refused. `gone` covers expired, used and never issued, which the store cannot tell
 * apart since the code is no longer there; `spent` means that its tries are used up.
 */
export type CodeRejection = "wrong" | "gone" | "spent";

/**
 * `advice` of damage tells the record's owner what to do, where there is something.
 *
 * `outcome` says what is known of a write: `not-applied` may be tried again; `unknown` means that it was
 * sent and its answer lost, so only an idempotent operation may be tried again.
 *
 * `why` is "refused" for an answer that stays the same until an operator changes something, as for a wrong token, and
 * "malformed" for one that is none of this store's; left out, it is likely to pass by itself.
 */
export type Fault =
  | {
      tag: "store-unavailable";
      store: StoreName;
      outcome: "not-applied" | "unknown";
      why?: "refused" | "malformed" | undefined;
    }
  | { tag: "store-corrupt"; store: StoreName; what: string; advice?: string | undefined }
  | { tag: "mail-unavailable"; why?: "refused" | undefined }
  | { tag: "misconfigured"; problems: string[] };

/** A store's failure for the operator: words of the store and the system, never a key, token, command or body. */
export interface StoreFault {
  /** Operation that the store was asked for: `Query`, `evalsha`. */
  operation: string;
  /** Name of the error: `AccessDeniedException`, `WRONGPASS`, `TimeoutError`. */
  error: string;
  /** The system's word for it, or the HTTP status, where there is one: `ECONNREFUSED`, `502`. */
  code?: string | undefined;
  /** True for one that stays until an operator changes something. */
  isPermanent: boolean;
}

type StoreName = "redis" | "dynamodb" | "s3";

export type Reason = Refusal | Fault;

/** The one error class of Tenure. Its message is made from the reason and never contains a secret. */
export class TenureError extends Error {
  override readonly name = "TenureError";
  readonly reason: Reason;

  constructor(reason: Reason, options?: { cause?: unknown | undefined }) {
    super(describe(reason), options);
    this.reason = reason;
  }
}

export function isTenureError<T extends Reason["tag"]>(
  error: unknown,
  tag?: T,
): error is TenureError & { reason: Extract<Reason, { tag: T }> } {
  return error instanceof TenureError && (tag === undefined || error.reason.tag === tag);
}

/** Throws `record-damaged` for a record that something is to be done with: see damage.ts. */
export function refuseDamaged({ damage }: { damage?: { what: string; advice: string } | undefined }): void {
  if (damage) throw new TenureError({ tag: "record-damaged", ...damage });
}

/** True when the operation that failed may have been carried out all the same. */
export const isOutcomeUnknown = (error: unknown): boolean =>
  isTenureError(error, "store-unavailable") && error.reason.outcome === "unknown";

/** Describes a reason to a person in plain words: what is wrong and what to do. */
export function describe(reason: Reason): string {
  switch (reason.tag) {
    case "session-required":
      return "There is no live session for this request. Log in and send its cookie, bearer token or x-api-key.";
    case "step-up-required":
      return `This needs a login within the last ${reason.maxAgeMs / 60_000} minutes. Ask for a code and verify it again.`;
    case "session-not-found":
      return "There is no live session of yours by this id.";
    case "code-rejected":
      return describeCodeRejection(reason);
    case "rate-limited":
      return "Too many requests. Wait until the time in Retry-After, then try again.";
    case "thread-not-found":
      return `There is no thread ${reason.threadId} of yours.`;
    case "thread-exists":
      return `Thread ${reason.threadId} exists already. Send if_exists: "do_nothing" to use it.`;
    case "thread-busy":
      return `Thread ${reason.threadId} has a run under way. Wait for it to end, then try again.`;
    case "state-locked":
      return `The state of thread ${reason.threadId} cannot be changed while it has a run. Wait for it to end, or cancel it.`;
    case "run-not-found":
      return `There is no run ${reason.runId} of yours on this thread.`;
    case "checkpoint-not-found":
      return `This thread has no checkpoint ${reason.checkpointId}: it was rolled back, has expired, or never was. Name one that the thread's history lists.`;
    case "assistant-not-found":
      return `No assistant found for "${reason.assistantId}": it is no graph's name, and no assistant's id of yours.`;
    case "assistant-exists":
      return `Assistant ${reason.assistantId} exists already. Send if_exists: "do_nothing" to use it.`;
    case "assistant-readonly":
      return `Assistant ${reason.assistantId} is a graph's own and stays as it is. Make one of yours of the same graph.`;
    case "record-damaged":
      return `What is stored cannot be read: ${reason.what}. ${reason.advice}`;
    case "invalid-input":
      return reason.issues.join("; ");
    case "body-too-large":
      return `The request body is larger than ${reason.limitBytes} bytes.`;
    case "cross-origin":
      return "This request comes from another origin, so the session cookie does not count for it.";
    case "route-not-found":
      return "There is nothing at this path.";
    case "method-not-allowed":
      return `This path answers ${reason.allow.join(", ")} only.`;
    case "not-implemented":
      return `This server does not implement ${reason.feature}.`;
    case "store-unavailable":
      return reason.why === "refused"
        ? `This service is misconfigured: its ${reason.store} store refuses it (${reason.outcome}). Its operator has to change that, and the service's log says what; until then trying again does not help.`
        : `The ${reason.store} store did not answer (${reason.outcome}). Try again shortly.`;
    case "store-corrupt":
      return `The ${reason.store} store holds something unreadable: ${reason.what}.${reason.advice ? ` ${reason.advice}` : ""}`;
    case "mail-unavailable":
      return reason.why === "refused"
        ? "This service is misconfigured: it may not send this message. Its operator has to change that, and the service's log says what; until then trying again does not help."
        : "The message with the code could not be sent. Try again shortly.";
    case "misconfigured":
      return reason.problems.join("; ");
  }
}

/** Bad input, by what the caller has to change. */
export const invalidInput = (...issues: string[]): TenureError => new TenureError({ tag: "invalid-input", issues });

function describeCodeRejection(reason: Extract<Refusal, { tag: "code-rejected" }>): string {
  switch (reason.why) {
    case "wrong":
      return `That is not the code. Tries left: ${reason.attemptsLeft}.`;
    case "gone":
      return "That code has expired or was used already. Ask for a new one.";
    case "spent":
      return "Too many wrong tries. Ask for a new code.";
  }
}
