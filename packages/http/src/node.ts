/**
 * Gates for `node:http`, and what Express and Fastify share.
 *
 * @example
 * import { createServer } from "node:http";
 * import type { Sessions } from "@tenure/http";
 * import { guarded } from "@tenure/http/node";
 *
 * declare const sessions: Sessions<{ userId: string }>;
 * createServer(guarded([sessions], (request, response) => response.end(sessions.visit(request).session.data.userId)));
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Asking, checkGate, type Gate, type HeaderSink } from "./gate.ts";
import { problemResponse } from "./problem.ts";

/** The request as gates see it. A header that is there twice is one with a comma, a cookie one with a semicolon. */
export function askingOf(request: IncomingMessage): Asking {
  const { headers, method = "GET" } = request;
  return {
    method,
    headers: {
      get(name) {
        const lower = name.toLowerCase();
        // HTTP/2 has the host in a header of its own kind.
        const value = headers[lower] ?? (lower === "host" ? headers[":authority"] : undefined);
        return Array.isArray(value) ? value.join(", ") : (value ?? null);
      },
    },
  };
}

export const sinkOf = (response: ServerResponse): HeaderSink => ({
  set: (name, value) => void response.setHeader(name, value),
  append: (name, value) => void response.appendHeader(name, value),
});

/** Writes the answer of a gate, or of another handler on `Response`. */
export async function sendResponse(from: Response, to: ServerResponse): Promise<void> {
  const body = await from.text();
  to.statusCode = from.status;
  for (const [name, value] of from.headers) if (name !== "set-cookie") to.setHeader(name, value);
  for (const cookie of from.headers.getSetCookie()) to.appendHeader("Set-Cookie", cookie);
  to.end(body);
}

/** A handler of `node:http` behind gates, each of which is asked in its turn. An error of the handler is answered as a problem. */
export function guarded(
  gates: readonly Gate[],
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
): (request: IncomingMessage, response: ServerResponse) => void {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const gate of gates) {
      const refusal = await checkGate(gate, askingOf(request), request, sinkOf(response));
      if (refusal) return sendResponse(refusal, response);
    }
    await handler(request, response);
  };
  return (request, response) =>
    void answer(request, response).catch(async (error: unknown) => {
      if (response.headersSent) response.destroy();
      else await sendResponse(problemResponse(error), response);
    });
}
