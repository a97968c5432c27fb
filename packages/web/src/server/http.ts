/** The page's requests: each has a deadline, fails in one shape (failure.ts), and tells what its answer says of the session. */
import { learnDate } from "./clock.ts";
import { refusalOf, unreachable } from "./failure.ts";

/** An answer begins within so long, and one that is no stream ends within it. */
export const DEADLINE_MS = 10_000;

let hearExpiry: (at: number) => void = () => {};

/** Calls `listener` whenever an answer says when the session ends, in the server's time. */
export function onExpiry(listener: (at: number) => void): void {
  hearExpiry = listener;
}

/** As `fetch`, also for LangGraph's client; throws a Failure for each answer that is no success. */
export const request: typeof fetch = async (input, init) => {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), DEADLINE_MS);
  const signal = init?.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
  try {
    const response = await fetch(input, { ...init, signal }).catch((error: unknown) => {
      // A request that was given up here is nobody's failure.
      if (init?.signal?.aborted) throw error;
      throw unreachable();
    });
    learnDate(response.headers.get("Date"));
    const at = Number(response.headers.get("X-Session-Expires-At"));
    if (at) hearExpiry(at);
    if (!response.ok) throw await refusalOf(response);
    return response;
  } finally {
    clearTimeout(timer);
  }
};

/** Sends and gets JSON. */
export async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await request(`/api${path}`, {
    method,
    ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Waits, or until the network is back. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}
