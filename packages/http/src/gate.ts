/** A gate stands before a handler: it lets a request through, or answers it. The adapters make a middleware of any gate. */
import { problemResponse } from "./problem.ts";

/** The part of a request that gates look at: a `Request` is one. */
export interface Asking {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
  /** Where the server has no Host header: the address that was asked for, as a whole. */
  readonly url?: string;
}

/** Takes headers for the response, whoever makes it: a `Headers` is one. */
export interface HeaderSink {
  set(name: string, value: string): void;
  append(name: string, value: string): void;
}

export interface Gate {
  /**
   * Resolves to undefined for a request that is let through, and to the answer for any other. `key` is the object by which the
   * framework's handler knows the request.
   */
  check(request: Asking, key: object, sink: HeaderSink): Promise<Response | undefined>;
}

/** Answers what a gate throws with the problem that it is; whatever is no refusal and no fault of a store is thrown on. */
export async function checkGate(gate: Gate, ...call: Parameters<Gate["check"]>): Promise<Response | undefined> {
  try {
    return await gate.check(...call);
  } catch (error) {
    const response = problemResponse(error);
    if (response.status === 500) throw error;
    return response;
  }
}
