/**
 * Upstash Redis on a laptop: an HTTP server that speaks its REST protocol in front of any RedisEngine, so that
 * the unmodified `@upstash/redis` and `@upstash/ratelimit` work. It listens on loopback only.
 */
import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RedisEngine } from "../redis/engine.ts";
import { ErrorReply } from "../redis/reply.ts";
import { BadRequest, type Encoded, pathArguments, toArguments, toJson } from "./protocol.ts";
import { ScriptNames } from "./scripts.ts";
import { streamMessages, subscriptionOf } from "./subscribe.ts";

const MAX_BODY_BYTES = 10 * 1024 * 1024;
const UNAUTHORIZED =
  "WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.";

export interface Gateway {
  url: string;
  close(): Promise<void>;
}

/** Starts the gateway on a free port of 127.0.0.1; every path wants `Authorization: Bearer <token>`. */
export async function startGateway(options: {
  engine: RedisEngine;
  token: string;
  port?: number | undefined;
}): Promise<Gateway> {
  const { engine, token, port = 0 } = options;
  const names = new ScriptNames();
  let writes = 0;

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ status: number; body: unknown } | "streams"> {
    const url = new URL(request.url ?? "/", "http://gateway");
    if (!authorized(request, url, token)) return { status: 401, body: { error: UNAUTHORIZED } };
    const subscription = subscriptionOf(url);
    if (subscription) {
      await streamMessages(engine, subscription, response);
      return "streams";
    }
    if (!["GET", "HEAD", "POST", "PUT"].includes(request.method ?? "")) return { status: 405, body: {} };
    const body = await readBody(request);
    const base64 = request.headers["upstash-encoding"] === "base64";
    const run = async (args: string[]): Promise<Encoded> => toJson(await names.send(engine, args), base64);
    switch (url.pathname) {
      case "/pipeline": {
        const commands = list(parse(body)).map(toArguments);
        return { status: 200, body: await Promise.all(commands.map(run)) };
      }
      case "/multi-exec": {
        const commands = list(parse(body)).map(toArguments);
        const replies = await engine.transaction(commands.map((args) => names.translate(args)));
        if (replies instanceof ErrorReply) return { status: 400, body: { error: replies.text } };
        return { status: 200, body: replies.map((reply) => toJson(reply, base64)) };
      }
      default: {
        const encoded = await run(url.pathname === "/" ? toArguments(parse(body)) : pathArguments(url, body));
        return { status: "error" in encoded ? 400 : 200, body: encoded };
      }
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).then(
      (answered) => answered !== "streams" && send(response, answered.status, answered.body, String(++writes)),
      (error: Error) => {
        const status = error instanceof BadRequest ? error.status : 500;
        send(response, status, {
          error: error instanceof BadRequest ? error.message : "ERR the engine did not answer",
        });
      },
    );
  });
  // The client gives up idle connections first: one that is given up at both ends at once fails a command.
  server.keepAliveTimeout = 0;
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

function authorized(request: IncomingMessage, url: URL, token: string): boolean {
  const header = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const given = Buffer.from(url.searchParams.get("_token") ?? header ?? "");
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BadRequest("ERR max request size exceeded", 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new BadRequest("ERR failed to parse the request body as JSON");
  }
}

function list(body: unknown): unknown[] {
  if (!Array.isArray(body)) throw new BadRequest("ERR expected JSON array");
  return body;
}

/** The sync token counts requests; there is one replica here, so any token is up to date. */
function send(response: ServerResponse, status: number, body: unknown, syncToken?: string): void {
  if (syncToken !== undefined && status === 200) response.setHeader("Upstash-Sync-Token", syncToken);
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
