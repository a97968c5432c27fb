/**
 * The address of `npm run dev`, which stays while the servers behind it change. Requests for the API go on to the one that serves;
 * those that come while none does wait for it, or are told why there is none. A response that a server breaks off is broken off here too.
 */
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { portRefused } from "../listen.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Front {
  server: Server;
  /** Sends requests to this port from now on. */
  lead(port: number): void;
  /** Answers requests with 503 and these words until there is a port again. */
  refuse(problem: string): void;
  /** The pages beside the API. */
  pages: Handler;
}

type Target = { port: number } | { problem: string };

const PROBLEM_TYPE = "application/problem+json";

/** Is served by what is behind: the API, and what the service says of its stores. */
const isBehind = (path: string): boolean => /^\/(?:api(?:[/?]|$)|dev\/doctor\.json)/.test(path);

export async function openFront(port: number): Promise<Front> {
  const agent = new Agent({ keepAlive: true });
  let target: Target | undefined;
  let waiting: (() => void)[] = [];
  const settle = (next: Target) => {
    target = next;
    for (const go of waiting.splice(0)) go();
  };
  const pass: Handler = (asked, answer) => {
    if (!target) {
      const go = () => pass(asked, answer);
      waiting.push(go);
      answer.once("close", () => {
        waiting = waiting.filter((one) => one !== go);
      });
    } else if ("problem" in target) answerProblem(answer, 503, target.problem);
    else hand(asked, answer, { port: target.port, agent });
  };
  const front: Front = {
    server: createServer((asked, answer) => {
      const { url = "/" } = asked;
      if (isBehind(url)) pass(asked, answer);
      else front.pages(asked, answer);
    }),
    lead: (port) => settle({ port }),
    refuse: (problem) => settle({ problem }),
    pages: (_, answer) => answerProblem(answer, 503, "The site is not there yet."),
  };
  await new Promise<void>((resolve, reject) => {
    front.server.once("error", (error: NodeJS.ErrnoException) => reject(portRefused(port, error)));
    front.server.listen(port, "127.0.0.1", resolve);
  });
  front.server.once("close", () => agent.destroy());
  return front;
}

function hand(asked: IncomingMessage, answer: ServerResponse, { port, agent }: { port: number; agent: Agent }): void {
  const { method, url: path, headers } = asked;
  const onward = request({ host: "127.0.0.1", port, method, path, headers, agent }, (answered) => {
    answer.writeHead(answered.statusCode ?? 502, answered.headers);
    // The first bytes of a stream may be long in coming.
    answer.flushHeaders();
    answered.pipe(answer);
    answered.once("close", () => {
      if (!answered.complete) answer.destroy();
    });
  });
  onward.once("error", (error) => {
    if (answer.headersSent) answer.destroy();
    else answerProblem(answer, 503, `The server behind this address is being replaced: ask again. (${error.message})`);
  });
  answer.once("close", () => onward.destroy());
  asked.pipe(onward);
}

function answerProblem(answer: ServerResponse, status: number, detail: string): void {
  if (answer.headersSent || answer.destroyed) return;
  answer.writeHead(status, { "Content-Type": PROBLEM_TYPE, "Cache-Control": "no-store", "Retry-After": "1" });
  answer.end(JSON.stringify({ type: "about:blank", title: "No server", status, detail }));
}
