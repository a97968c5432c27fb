/**
 * Every error of the page in one shape: its kind decides the way on, and its message is words for a person. A problem document, an
 * answer of something between the page and the server, a request without an answer and a mistake of the page itself all end here,
 * so that no screen shows JSON, a status or a stack.
 *
 * @example
 * catch (error) {
 *   const failure = failureOf(error);
 *   say(failure.message, failure.isPassing ? { label: "Try again", act: again } : undefined);
 * }
 */
import { wait } from "../page/words.ts";
import { serverNow } from "./clock.ts";

export type FailureKind =
  /** The machine has no network. */
  | "offline"
  /** No answer came, or it broke off. */
  | "unreachable"
  /** Something answered that the service cannot serve now: a gateway, or the service without its stores. */
  | "unavailable"
  /** There is no session any more. */
  | "ended"
  /** The session lives; this action wants a recent login. */
  | "step-up"
  /** A thread, run, checkpoint or device is not there any more. */
  | "gone"
  /** The thread has a run under way. */
  | "busy"
  /** Too many requests; `retryAt` says when the next may be sent. */
  | "limited"
  /** Refused for what was sent, or for what is stored. */
  | "refused"
  /** A fault of the server that does not pass by itself, or one of this page. */
  | "broken";

interface Details {
  status?: number;
  /** The last part of the problem's type: `thread-not-found`. */
  tag?: string;
  /** Epoch milliseconds of the server's clock. */
  retryAt?: number;
}

export class Failure extends Error {
  readonly kind: FailureKind;
  readonly status: number;
  readonly tag: string;
  readonly retryAt: number | undefined;

  constructor(kind: FailureKind, words: string, { status = 0, tag = "", retryAt }: Details = {}) {
    super(words);
    this.name = "Failure";
    this.kind = kind;
    this.status = status;
    this.tag = tag;
    this.retryAt = retryAt;
  }

  /** True when the same action may succeed later, with nothing changed. */
  get isPassing(): boolean {
    return ["offline", "unreachable", "unavailable", "limited"].includes(this.kind);
  }
}

const UNAVAILABLE = "The service is unavailable at the moment. Try again shortly.";
const UNREACHABLE = "The server cannot be reached. Check your connection and try again.";
const OFFLINE = "You are offline. Try again when you are connected.";
const GONE = "This thread is gone: it was deleted, or it belongs to another user.";
const BROKEN = "Something went wrong on this page. Load it again; if that does not help, tell the site's operator.";

/** Kinds and words by the tag of a problem; other problems have words of their own that a person can read. */
const PROBLEMS: Record<string, [FailureKind, string?]> = {
  "session-required": ["ended", "Your session has ended."],
  "step-up-required": ["step-up", "For this, log in again."],
  "session-not-found": ["gone", "This device was logged out already."],
  "thread-not-found": ["gone", GONE],
  "run-not-found": ["gone", "This answer is gone: it was deleted, or has ended a while ago."],
  "checkpoint-not-found": ["gone", "This checkpoint is gone: it has expired, or was rolled back."],
  "thread-busy": ["busy", "The agent is still at work in this thread."],
  "state-locked": ["busy", "The agent is still at work in this thread."],
  "invalid-input": ["refused", "The service does not take this as it is. Change it, or load the page again."],
  "body-too-large": ["refused", "This is too long to be sent. Make it shorter."],
  "rate-limited": ["limited"],
  "store-unavailable": ["unavailable", UNAVAILABLE],
  "mail-unavailable": ["unavailable", "The message with the code could not be sent. Try again shortly."],
  misconfigured: ["broken", "The service is set up wrong. Its operator has to mend it; trying again does not help."],
  internal: ["broken", "The server failed. Try again; if it goes on, tell the site's operator."],
};

/** The failure of an id that no thread can have. */
export const noThread = (): Failure => new Failure("gone", GONE, { tag: "thread-not-found" });

/** Reads an answer that is no success. */
export async function refusalOf(response: Response): Promise<Failure> {
  const { status } = response;
  const problem = (await response.json().catch(() => undefined)) as
    | { type?: unknown; detail?: unknown; retryAt?: unknown }
    | undefined;
  const tag = typeof problem?.type === "string" ? (problem.type.split("/").at(-1) ?? "") : "";
  const [kind, words] = PROBLEMS[tag] ?? [kindOf(status)];
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAt =
    typeof problem?.retryAt === "number" ? problem.retryAt : seconds ? serverNow() + seconds * 1000 : undefined;
  const detail = tag && typeof problem?.detail === "string" ? problem.detail : undefined;
  const limited = retryAt === undefined ? "a while" : wait(retryAt - serverNow());
  const said = kind === "limited" ? `Too many requests. Try again in ${limited}.` : (words ?? detail);
  return new Failure(kind, said ?? unsaid(kind, status), {
    status,
    tag,
    ...(retryAt !== undefined && { retryAt }),
  });
}

function kindOf(status: number): FailureKind {
  if (status === 401) return "ended";
  if (status === 404 || status === 410) return "gone";
  if (status === 429) return "limited";
  if (status === 500 || status === 501) return "broken";
  return status > 500 ? "unavailable" : "refused";
}

/** Words for an answer that was none of the service's: a proxy's page, or nothing. */
function unsaid(kind: FailureKind, status: number): string {
  if (kind === "ended") return "Your session has ended.";
  if (kind === "unavailable") return UNAVAILABLE;
  return `The server answered in a way that this page does not know (${status}). Load the page again.`;
}

/** Words and kind for whatever was thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { name = "", cause } = (error ?? {}) as { name?: string; cause?: unknown };
  // LangGraph's client gives up on a broken stream after some tries, and says why.
  if (cause instanceof Failure) return cause;
  if (!navigator.onLine) return new Failure("offline", OFFLINE);
  // JSON that is none: something in between has answered in the server's place.
  if (["TimeoutError", "NetworkError", "AbortError", "SyntaxError", "ConnectionError"].includes(name))
    return unreachable();
  if (name === "MaxReconnectAttemptsError" || name === "StreamIdleTimeoutError") return unreachable();
  if (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) return unreachable();
  console.error(error);
  return new Failure("broken", BROKEN);
}

/** The failure of a request that got no answer. */
export const unreachable = (): Failure =>
  navigator.onLine ? new Failure("unreachable", UNREACHABLE) : new Failure("offline", OFFLINE);
