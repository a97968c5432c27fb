/**
 * POST requests over connections that stay open: how core reaches Redis' gateway and DynamoDB. A request is sent once. It settles
 * once: with the whole answer, with what `node:http` says of the connection, or by its deadline, after which nothing of it is left
 * under way.
 *
 * @example
 * const connections = new Connections({ idleMs: 4000 });
 * const { status, body } = await connections.post(new URL("http://127.0.0.1:8000/"), { headers: {}, body: "{}", signal });
 */
import { type ClientRequest, Agent as PlainAgent, request as plainRequest } from "node:http";
import { request as secureRequest, Agent as TlsAgent } from "node:https";

export interface ConnectionsOptions {
  /** A connection that nobody has used for so long is closed here, since the other end may have. Default: it stays. */
  idleMs?: number;
  /** The time that connecting may take in milliseconds. Default: as long as the request may take. */
  connectMs?: number;
  /** Connections to one address at once; further requests wait for one. Default: no bound. */
  atOnce?: number;
}

/** A part of a URL that says where to connect. */
export interface Target {
  protocol: string;
  hostname: string;
  port?: string | number | undefined;
  /** With the query. Default `/`. */
  path?: string;
}

export interface Post {
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** Ends the request when it is aborted, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The time that the whole answer may take in milliseconds, waiting for a connection included; rejects with `TimeoutError`. */
  deadlineMs?: number | undefined;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** The code of the `TimeoutError` of a request that was not sent, as no time was left for it. */
export const NOT_SENT = "NOT_SENT";

export class Connections {
  private readonly plain: PlainAgent;
  private readonly tls: TlsAgent;
  private readonly idleMs: number;
  private readonly connectMs: number | undefined;
  private lastUse = 0;

  constructor({ idleMs = Number.POSITIVE_INFINITY, connectMs, atOnce }: ConnectionsOptions = {}) {
    const options = {
      keepAlive: true,
      ...(atOnce !== undefined && { maxSockets: atOnce }),
      ...(Number.isFinite(idleMs) && { timeout: idleMs }),
    };
    this.plain = new PlainAgent(options);
    this.tls = new TlsAgent(options);
    this.idleMs = idleMs;
    this.connectMs = connectMs;
  }

  post(
    { protocol, hostname, port, path = "/" }: Target,
    { headers, body, signal, deadlineMs = Number.POSITIVE_INFINITY }: Post,
  ): Promise<Answer> {
    const isSecure = protocol === "https:";
    const agent = isSecure ? this.tls : this.plain;
    this.closeStale(agent);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (deadlineMs <= 0) return reject(Object.assign(late("no time is left for a request"), { code: NOT_SENT }));
      const timers: ReturnType<typeof setTimeout>[] = [];
      const asked = (isSecure ? secureRequest : plainRequest)({
        method: "POST",
        path,
        agent,
        // Brackets of an IPv6 address are of the URL.
        host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
        port: port || undefined,
        // A record: instrumentation of `node:http` copies headers as one, which makes nonsense of a list.
        headers,
      });
      const settle = () => {
        for (const timer of timers) clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const fail = (reason: unknown) => {
        settle();
        reject(reason);
        asked.destroy();
      };
      const onAbort = () => fail(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (Number.isFinite(deadlineMs))
        timers.push(setTimeout(() => fail(late(`no answer within ${Math.round(deadlineMs)} ms`)), deadlineMs));
      if (this.connectMs !== undefined) watchConnecting(asked, this.connectMs, timers, fail);
      asked.on("error", fail);
      asked.on("response", (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", fail);
        answer.on("end", () => {
          const [first = Buffer.alloc(0)] = chunks;
          const whole = chunks.length > 1 ? Buffer.concat(chunks) : first;
          settle();
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole });
        });
      });
      asked.end(body);
    });
  }

  close(): void {
    this.plain.destroy();
    this.tls.destroy();
  }

  /** A process that was frozen wakes with connections that are long gone, before the timers that would have closed them. */
  private closeStale(agent: PlainAgent): void {
    const now = performance.now();
    if (now - this.lastUse > this.idleMs)
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    this.lastUse = now;
  }
}

function watchConnecting(
  asked: ClientRequest,
  ms: number,
  timers: ReturnType<typeof setTimeout>[],
  fail: (error: Error) => void,
): void {
  asked.on("socket", (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => fail(late(`no connection within ${ms} ms`)), ms);
    timers.push(timer);
    socket.once("connect", () => clearTimeout(timer));
  });
}

const late = (message: string): Error => Object.assign(new Error(message), { name: "TimeoutError" });
