/** The meaning of a client's failures: which change nothing, which leave the outcome open, and which stay until an operator acts. */
import { NOT_SENT } from "../connections.ts";
import { type StoreFault, TenureError } from "../errors.ts";

/** Turns a failure of the client into a fault. `CORRUPT …` is what our own scripts say of a record they cannot read. */
export function asFault(error: unknown): TenureError {
  const message = error instanceof Error ? error.message : "";
  if (message.startsWith("CORRUPT "))
    return new TenureError({ tag: "store-corrupt", store: "redis", what: message.slice(8).split(",")[0] as string });
  const why = PERMANENT.test(message) && { why: "refused" as const };
  return new TenureError({ tag: "store-unavailable", store: "redis", outcome: outcomeOf(error, message), ...why });
}

export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** True when the server has nothing of a command's slot any more, and has done nothing. */
export function isMoved(error: unknown): boolean {
  return error instanceof Error && /^(?:MOVED|ASK) /.test(error.message);
}

const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  NOT_SENT,
]);

/** Errors of node-redis for a command that it did not take, having no connection. */
const UNSENT = /^Client(?:Closed|Offline)Error$/;

/** Errors that Redis answers before it does anything. An error from within a script comes after some of its writes, perhaps. */
const REFUSED =
  /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|READONLY|MISCONF|NOREPLICAS|MOVED|ASK|TRYAGAIN|NOSCRIPT|WRONGPASS|NOAUTH|NOPERM) (?!.* script: )/;

/**
 * Answers that stay the same until the operator changes something. Upstash says `Unauthorized` of a token that it does not know,
 * and `ERR max … limit exceeded` once its plan is used up.
 */
const PERMANENT = /^(?:(WRONGPASS|NOAUTH|NOPERM|Unauthorized)\b|ERR (max (?:daily )?requests? limit exceeded))/;

/** Scripts that the server does not know yet, and records that ours cannot read, are no faults of the store. */
const NO_FAULT = /^(?:NOSCRIPT|CORRUPT) /;

/** Names a failure by its first word, undefined for an answer: the rest of a message repeats the command. */
export function faultOf(error: unknown): Omit<StoreFault, "operation"> | undefined {
  const { name = "Error", message = "" } = (error ?? {}) as Partial<Error>;
  if (NO_FAULT.test(message)) return undefined;
  const [, word, limit] = PERMANENT.exec(message) ?? [];
  const permanent = word ?? limit;
  if (permanent) return { error: permanent, isPermanent: true };
  const [said] = /^[A-Z]{2,}(?= )/.exec(message) ?? [];
  const code = codeOf(error);
  return { error: said ?? name, ...(code !== undefined && { code }), isPermanent: false };
}

/** The code of a failure of the network: the error's own, or that of its cause, as the client has it. */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } | undefined };
  const found = code ?? cause?.code;
  return typeof found === "string" ? found : undefined;
}

/** Without a connection nothing was sent; a refusal of Redis changed nothing; else nobody knows. */
function outcomeOf(error: unknown, message: string): "not-applied" | "unknown" {
  if (NEVER_SENT.has(codeOf(error) ?? "")) return "not-applied";
  if (error instanceof Error && UNSENT.test(error.constructor.name)) return "not-applied";
  return REFUSED.test(message) || PERMANENT.test(message) ? "not-applied" : "unknown";
}
