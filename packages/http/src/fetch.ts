import { type Asking, checkGate, type Gate } from "./gate.ts";
import { problemResponse } from "./problem.ts";

/**
 * A handler on `Request` and `Response` behind gates, each of which is asked in its turn. The headers that they set are on the
 * answer, whoever makes it. An error of the handler is answered as a problem.
 *
 * @example
 * import { guarded, type Sessions } from "@tenure/http";
 *
 * declare const sessions: Sessions<{ userId: string }>;
 * export default { fetch: guarded([sessions], (request) => Response.json(sessions.visit(request).session.data)) };
 */
export function guarded(
  gates: readonly Gate[],
  handler: (request: Request, told: Headers) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const told = new Headers();
    try {
      const refusal = await passGates(gates, request, told);
      return refusal ?? withHeaders(await handler(request, told), told);
    } catch (error) {
      return withHeaders(problemResponse(error), told);
    }
  };
}

/** The refusal of the first gate that lets the request not through, with the headers that were told so far. */
export async function passGates(
  gates: readonly Gate[],
  request: Asking & object,
  told: Headers,
): Promise<Response | undefined> {
  for (const gate of gates) {
    const refusal = await checkGate(gate, request, request, told);
    if (refusal) return withHeaders(refusal, told);
  }
  return undefined;
}

/** Names that a response may have several times; of others the one that was told counts. */
export const isList = (name: string): boolean => name === "set-cookie" || name.startsWith("ratelimit");

function withHeaders(response: Response, told: Headers): Response {
  // The headers of a response that was fetched cannot be changed.
  const answer = new Response(response.body, response);
  for (const [name, value] of told) {
    if (isList(name)) answer.headers.append(name, value);
    else answer.headers.set(name, value);
  }
  return answer;
}
