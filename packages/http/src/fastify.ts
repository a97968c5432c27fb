/**
 * Gates for Fastify 5.
 *
 * @example
 * import type { Sessions } from "@tenure/http";
 * import { gate, problems } from "@tenure/http/fastify";
 * import Fastify from "fastify";
 *
 * declare const sessions: Sessions<{ userId: string }>;
 * const app = Fastify();
 * app.setErrorHandler(problems());
 * app.get("/me", { preHandler: gate(sessions) }, async (request) => sessions.visit(request.raw).session.data);
 */
import type { IncomingMessage } from "node:http";
import { isTenureError } from "@tenure/core/errors";
import { checkGate, type Gate, type HeaderSink } from "./gate.ts";
import { askingOf } from "./node.ts";
import { problemResponse } from "./problem.ts";

/** The part of Fastify's reply that is used. */
export interface Reply {
  header(name: string, value: string): unknown;
  getHeader(name: string): unknown;
  code(status: number): unknown;
  send(payload: string): unknown;
}

interface Asked {
  raw: IncomingMessage;
}

export const sinkOf = (reply: Reply): HeaderSink => ({
  set: (name, value) => void reply.header(name, value),
  append(name, value) {
    // Fastify keeps every Set-Cookie by itself; of any other header it keeps the last.
    const before = name.toLowerCase() === "set-cookie" ? undefined : reply.getHeader(name);
    reply.header(name, before === undefined ? value : `${before}, ${value}`);
  },
});

/** A `preHandler`, or a hook of an earlier stage. */
export function gate(gate: Gate): (request: Asked, reply: Reply) => Promise<unknown> {
  return async ({ raw }, reply) => {
    const refusal = await checkGate(gate, askingOf(raw), raw, sinkOf(reply));
    return refusal && sendResponse(refusal, reply);
  };
}

/** An error handler: answers what handlers throw that is Tenure's own, and throws the rest to Fastify's own. */
export function problems(): (error: unknown, request: Asked, reply: Reply) => Promise<unknown> {
  return async (error, _request, reply) => {
    if (!isTenureError(error)) throw error;
    return sendResponse(problemResponse(error), reply);
  };
}

async function sendResponse(from: Response, reply: Reply): Promise<Reply> {
  for (const [name, value] of from.headers) reply.header(name, value);
  reply.code(from.status);
  reply.send(await from.text());
  return reply;
}
