/**
 * Upstash's REST protocol: JSON in, JSON out. Source: https://upstash.com/docs/redis/features/restapi, and
 * what `@upstash/redis` 1.39 sends and decodes.
 */
import { ErrorReply, type Reply, Status, toBytes, toText } from "../redis/reply.ts";

/** A request that Upstash itself refuses, before any command runs. */
export class BadRequest extends Error {
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** Refused over REST, since they need a connection of their own or block. */
const NOT_OVER_REST = new Set(
  "AUTH HELLO RESET CLIENT MONITOR MULTI EXEC DISCARD WATCH UNWATCH SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE BLPOP BRPOP BLMOVE BZPOPMIN BZPOPMAX".split(
    " ",
  ),
);

/** Returns one command of a request's body as Redis arguments (binary strings). */
export function toArguments(command: unknown): string[] {
  if (!Array.isArray(command)) throw new BadRequest("ERR expected JSON array");
  if (command.length === 0) throw new BadRequest("ERR empty command");
  const args = command.map((item) => {
    if (item === null) throw new BadRequest("ERR null args are not supported");
    if (typeof item === "object") throw new BadRequest("ERR unsupported arg type");
    return toBytes(String(item));
  });
  const name = (args[0] as string).toUpperCase();
  if (NOT_OVER_REST.has(name))
    throw new BadRequest(`ERR Command "${name}" is not allowed in REST or it has a special context path`);
  return args;
}

/** Path style: `/set/key/value?EX=10`, a POST body being the last argument before those of the query. */
export function pathArguments(url: URL, body: Buffer): string[] {
  const args = url.pathname.slice(1).split("/").map(decodeURIComponent);
  if (body.length > 0) args.push(body.toString("utf8"));
  for (const [name, value] of url.searchParams) if (name !== "_token") args.push(name, ...(value ? [value] : []));
  return toArguments(args);
}

export type Encoded = { result: unknown } | { error: string };

/** A reply as JSON. With `base64`, every string is encoded but a top-level `OK`; errors never are. */
export function toJson(reply: Reply, base64: boolean): Encoded {
  if (reply instanceof ErrorReply) return { error: toText(reply.text) };
  if (reply instanceof Status && reply.text === "OK") return { result: "OK" };
  return { result: value(reply, base64) };
}

function value(reply: Reply, base64: boolean): unknown {
  if (reply === null || typeof reply === "number") return reply;
  if (Array.isArray(reply)) return reply.map((item) => value(item, base64));
  const text = typeof reply === "string" ? reply : reply.text;
  return base64 ? Buffer.from(text, "latin1").toString("base64") : toText(text);
}
