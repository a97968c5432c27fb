import type { ErrorReply, Reply } from "./reply.ts";

/** A subscription: to channels by their names, or to those that patterns match. */
export interface Hearing {
  kind: "subscribe" | "psubscribe";
  names: string[];
  /** Hears of each message, as Redis says it: `message`, channel, text; or `pmessage`, pattern, channel, text. */
  heard(message: string[]): void;
  /** Hears that nothing more will come. */
  lost(): void;
}

/**
 * The Redis behind the gateway: the embedded engine, or a connection to a redis-server.
 * Arguments and strings in replies are binary strings (see reply.ts).
 */
export interface RedisEngine {
  /** The engine and where its data is, as `npm start` prints it. */
  readonly description: string;
  /** Runs one command. An error reply is returned, not thrown; a lost connection is thrown. */
  send(args: string[]): Promise<Reply>;
  /** Runs all commands in one MULTI/EXEC, or none of them when one cannot be queued (then an error reply). */
  transaction(commands: string[][]): Promise<Reply[] | ErrorReply>;
  /** Listens from when this resolves on; resolves to what ends it. */
  subscribe(hearing: Hearing): Promise<() => void>;
  /** Everything acknowledged is on disk when this resolves. */
  close(): Promise<void>;
}
