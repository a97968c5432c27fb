/** Errors as problem documents (RFC 9457): one row per tag, and a tag without a row does not compile. */
import { describe, isTenureError, type Reason } from "@tenure/core/errors";

interface Row {
  status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 422 | 429 | 500 | 501 | 503;
  title: string;
}

type Tag = Reason["tag"] | "internal";

export const problems: Record<Tag, Row> = {
  "session-required": { status: 401, title: "Not logged in" },
  "step-up-required": { status: 401, title: "Log in again for this" },
  "session-not-found": { status: 404, title: "No such session" },
  "code-rejected": { status: 401, title: "The code was not accepted" },
  "rate-limited": { status: 429, title: "Too many requests" },
  "thread-not-found": { status: 404, title: "No such thread" },
  "thread-exists": { status: 409, title: "The thread exists already" },
  "thread-busy": { status: 422, title: "The thread is busy" },
  "state-locked": { status: 409, title: "The thread has a run" },
  "run-not-found": { status: 404, title: "No such run" },
  "checkpoint-not-found": { status: 404, title: "No such checkpoint" },
  "assistant-exists": { status: 409, title: "The assistant exists already" },
  "assistant-readonly": { status: 403, title: "The assistant cannot be changed" },
  "assistant-not-found": { status: 404, title: "No such assistant" },
  "record-damaged": { status: 409, title: "A stored record is damaged" },
  "invalid-input": { status: 400, title: "The request is not valid" },
  "body-too-large": { status: 413, title: "The request body is too large" },
  "cross-origin": { status: 403, title: "The request comes from another origin" },
  "route-not-found": { status: 404, title: "Nothing here" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "not-implemented": { status: 501, title: "Not implemented" },
  "store-unavailable": { status: 503, title: "The service is unavailable" },
  "store-corrupt": { status: 500, title: "Stored data is unreadable" },
  "mail-unavailable": { status: 503, title: "Mail is unavailable" },
  misconfigured: { status: 500, title: "The service is misconfigured" },
  internal: { status: 500, title: "Something went wrong" },
};

export interface Problem {
  status: Row["status"];
  headers: Record<string, string>;
  /** The document, to be written as JSON. */
  document: { type: string; title: string; status: number; detail: string } & Record<string, unknown>;
}

/**
 * Returns the answer to an error. An error that is not a TenureError is not described: it may contain anything. `typeOf` says where
 * a problem's `type` points.
 */
export function problemOf(error: unknown, typeOf: (tag: string) => string = (tag) => `urn:tenure:${tag}`): Problem {
  const reason: Reason | { tag: "internal" } = isTenureError(error) ? error.reason : { tag: "internal" };
  const isRefused =
    (reason.tag === "store-unavailable" || reason.tag === "mail-unavailable") && reason.why === "refused";
  const type = isRefused ? "misconfigured" : reason.tag;
  // Nobody is logged out by it, and no session honoured: still "unavailable" to a client.
  const { status } = problems[reason.tag];
  const { title } = problems[type];
  const detail =
    reason.tag === "internal" ? "The server failed. Try again; if it goes on, tell its operator." : describe(reason);
  return {
    status,
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headersOf(reason) },
    document: { type: typeOf(type), title, status, detail, ...detailsOf(reason) },
  };
}

/** Returns the same as a `Response`. */
export function problemResponse(error: unknown): Response {
  const { status, headers, document } = problemOf(error);
  return new Response(JSON.stringify(document), { status, headers });
}

/** Returns the members that a program may want beyond the type; never what was sent. */
function detailsOf(reason: Reason | { tag: "internal" }): object {
  switch (reason.tag) {
    case "code-rejected":
      return { why: reason.why, attemptsLeft: reason.attemptsLeft };
    case "rate-limited":
      return { retryAt: reason.retryAt };
    case "invalid-input":
      return { issues: reason.issues };
    case "store-unavailable":
      return { outcome: reason.outcome };
    default:
      return {};
  }
}

function headersOf(reason: Reason | { tag: "internal" }): Record<string, string> {
  switch (reason.tag) {
    case "session-required":
      return { "WWW-Authenticate": 'Bearer realm="tenure"' };
    case "step-up-required":
      // RFC 9470, section 3.
      return {
        "WWW-Authenticate": `Bearer realm="tenure", error="insufficient_user_authentication", max_age="${reason.maxAgeMs / 1000}"`,
      };
    case "rate-limited":
      return { "Retry-After": String(Math.max(1, Math.ceil(reason.waitMs / 1000))) };
    case "store-unavailable":
    case "mail-unavailable":
      return reason.why === "refused" ? {} : { "Retry-After": "1" };
    case "body-too-large":
      // The rest of the body is not read, so the connection is of no further use.
      return { Connection: "close" };
    case "method-not-allowed":
      return { Allow: reason.allow.join(", ") };
    default:
      return {};
  }
}
