/**
 * A connection to a redis-server that changes nothing on the way: raw RESP2, bytes in and bytes out, replies in
 * the order of the commands. When the connection is lost every command under way fails, since nobody can know
 * whether it was carried out, and the next one connects again.
 */
import { createConnection, type Socket } from "node:net";
import type { Hearing, RedisEngine } from "./engine.ts";
import { ErrorReply, type Reply, Status } from "./reply.ts";

const CONNECT_TIMEOUT_MS = 2_000;

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export class RedisServer implements RedisEngine {
  readonly description: string;
  private readonly url: URL;
  private socket: Socket | undefined;
  private opening: Promise<Socket> | undefined;
  private waiting: Waiting[] = [];
  private buffer: Buffer = Buffer.alloc(0);
  /** Set on a connection that subscribes: what comes unasked goes there. */
  private hearing: Hearing | undefined;

  /** `redis://[user:password@]host[:port][/database]` */
  constructor(url: URL) {
    this.url = url;
    this.description = `redis-server at ${url.hostname}:${url.port || 6379}`;
  }

  async send(args: string[]): Promise<Reply> {
    const [reply = null] = await this.write([args]);
    return reply;
  }

  async transaction(commands: string[][]): Promise<Reply[] | ErrorReply> {
    const replies = await this.write([["MULTI"], ...commands, ["EXEC"]]);
    return replies.at(-1) as Reply[] | ErrorReply;
  }

  /** On a connection of its own, which takes no commands then. */
  async subscribe(hearing: Hearing): Promise<() => void> {
    const other = new RedisServer(this.url);
    other.hearing = hearing;
    const [reply] = await other.write([[hearing.kind, ...hearing.names]]);
    if (reply instanceof ErrorReply) throw reply;
    return () => {
      other.hearing = undefined;
      other.socket?.destroy();
    };
  }

  async close(): Promise<void> {
    this.socket?.destroy();
  }

  private async write(commands: string[][]): Promise<Reply[]> {
    const socket = this.socket ?? (await this.open());
    const replies = commands.map(() => new Promise<Reply>((resolve, reject) => this.waiting.push({ resolve, reject })));
    socket.write(commands.map(encode).join(""), "latin1");
    return Promise.all(replies);
  }

  private open(): Promise<Socket> {
    this.opening ??= this.connect().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async connect(): Promise<Socket> {
    const { hostname, port, username, password, pathname } = this.url;
    const socket = createConnection({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port) || 6379,
      noDelay: true,
    });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("connecting timed out")));
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.setTimeout(0);
    socket.on("data", (chunk) => this.receive(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.socket === socket) this.lost(new Error("the connection to redis-server was lost"));
    });
    this.socket = socket;
    const setup: string[][] = [];
    if (password)
      setup.push(["AUTH", ...(username ? [decodeURIComponent(username)] : []), decodeURIComponent(password)]);
    if (pathname.length > 1) setup.push(["SELECT", pathname.slice(1)]);
    for (const reply of setup.length ? await this.write(setup) : []) if (reply instanceof ErrorReply) throw reply;
    return socket;
  }

  private lost(error: Error): void {
    this.socket = undefined;
    this.buffer = Buffer.alloc(0);
    for (const { reject } of this.waiting.splice(0)) reject(error);
    this.hearing?.lost();
  }

  private receive(chunk: Buffer): void {
    this.buffer = this.buffer.length ? Buffer.concat([this.buffer, chunk]) : chunk;
    for (;;) {
      let parsed: ReturnType<typeof parse>;
      try {
        parsed = parse(this.buffer, 0);
      } catch (error) {
        // Where the next reply begins is not known any more.
        const socket = this.socket;
        this.lost(error as Error);
        socket?.destroy();
        return;
      }
      if (!parsed) return;
      this.buffer = this.buffer.subarray(parsed.end);
      const waiting = this.waiting.shift();
      if (waiting) waiting.resolve(parsed.reply);
      else if (Array.isArray(parsed.reply) && /message$/.test(String(parsed.reply[0])))
        this.hearing?.heard(parsed.reply as string[]);
    }
  }
}

function encode(args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

/** Reads one reply at `from`; undefined when its bytes have not all arrived. */
function parse(buffer: Buffer, from: number): { reply: Reply; end: number } | undefined {
  const eol = buffer.indexOf("\r\n", from);
  if (eol < 0) return undefined;
  const line = buffer.toString("latin1", from + 1, eol);
  const end = eol + 2;
  switch (String.fromCharCode(buffer[from] as number)) {
    case "+":
      return { reply: new Status(line), end };
    case "-":
      return { reply: new ErrorReply(line), end };
    case ":":
      return { reply: Number(line), end };
    case "$": {
      const length = Number(line);
      if (length < 0) return { reply: null, end };
      if (buffer.length < end + length + 2) return undefined;
      return { reply: buffer.toString("latin1", end, end + length), end: end + length + 2 };
    }
    case "*":
      return parseList(buffer, Number(line), end);
    default:
      throw new Error("redis-server sent something that is not RESP2");
  }
}

function parseList(buffer: Buffer, length: number, from: number): { reply: Reply; end: number } | undefined {
  if (length < 0) return { reply: null, end: from };
  const list: Reply[] = [];
  let end = from;
  while (list.length < length) {
    const item = parse(buffer, end);
    if (!item) return undefined;
    list.push(item.reply);
    end = item.end;
  }
  return { reply: list, end };
}
