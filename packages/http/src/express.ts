/**
 * Gates for Express 5.
 *
 * @example
 * import type { Sessions } from "@tenure/http";
 * import { gate, problems } from "@tenure/http/express";
 * import express from "express";
 *
 * declare const sessions: Sessions<{ userId: string }>;
 * const app = express();
 * app.get("/me", gate(sessions), (request, response) => void response.json(sessions.visit(request).session.data));
 * app.use(problems());
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isTenureError } from "@tenure/core/errors";
import { checkGate, type Gate } from "./gate.ts";
import { askingOf, sendResponse, sinkOf } from "./node.ts";
import { problemResponse } from "./problem.ts";

type Next = (error?: unknown) => void;

/** A middleware. An error of a gate that is no refusal goes to Express' error handler. */
export function gate(gate: Gate): (request: IncomingMessage, response: ServerResponse, next: Next) => Promise<void> {
  return async (request, response, next) => {
    const refusal = await checkGate(gate, askingOf(request), request, sinkOf(response));
    if (refusal) await sendResponse(refusal, response);
    else next();
  };
}

/** An error handler, to be put last: answers what handlers throw that is Tenure's own, and passes on the rest. */
export function problems(): (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: Next,
) => Promise<void> {
  return async (error, _request, response, next) => {
    if (!isTenureError(error) || response.headersSent) return next(error);
    await sendResponse(problemResponse(error), response);
  };
}
