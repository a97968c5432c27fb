/**
 * A Redis for a laptop that has none: one database in memory, exact expiry, Lua scripts, a journal on disk.
 * For development and tests only. test/conformance/redis-engines.test.ts runs over this and redis-server and
 * finds no difference in what it asks; what it does not know it answers with "unknown command".
 */

import { Channels } from "./channels.ts";
import { commands } from "./commands/index.ts";
import type { Hearing, RedisEngine } from "./engine.ts";
import { RedisJournal } from "./journal.ts";
import { int, Keyspace } from "./keyspace.ts";
import { Scripting } from "./lua.ts";
import { ErrorReply, OK, type Reply } from "./reply.ts";

export interface EmbeddedRedisOptions {
  /** The journal's file; nothing is kept when it is left out. */
  path?: string | undefined;
  /** Goes on without what is damaged in the journal, where it would throw `misconfigured` otherwise. */
  skipDamage?: boolean | undefined;
  /** Epoch milliseconds; the system's clock when left out. */
  now?: () => number;
}

const SWEEP_EVERY_MS = 10_000;

export class EmbeddedRedis implements RedisEngine {
  readonly description: string;
  private readonly db = new Keyspace();
  private readonly now: () => number;
  private readonly journal: RedisJournal | undefined;
  private readonly scripting = new Scripting((args) => this.callFromScript(args));
  private readonly sweeper: NodeJS.Timeout;
  private readonly channels = new Channels();
  private readOnly = false;

  constructor({ path, skipDamage = false, now = Date.now }: EmbeddedRedisOptions = {}) {
    this.now = now;
    this.description = path === undefined ? "embedded engine, in memory" : `embedded engine, data in ${path}`;
    this.db.time = now();
    this.db.publish = (channel, message) => this.channels.publish(channel, message);
    this.journal = path === undefined ? undefined : new RedisJournal(this.db, { path, skipDamage });
    this.sweeper = setInterval(() => {
      this.db.time = this.now();
      this.db.keys();
    }, SWEEP_EVERY_MS).unref();
  }

  async send(args: string[]): Promise<Reply> {
    return this.recorded(() => this.execute(args));
  }

  async transaction(queued: string[][]): Promise<Reply[] | ErrorReply> {
    return this.recorded(() => {
      for (const args of queued)
        if (this.refusal(args)) throw new ErrorReply("EXECABORT Transaction discarded because of previous errors.");
      return queued.map((args) => this.execute(args));
    });
  }

  async subscribe(hearing: Hearing): Promise<() => void> {
    return this.channels.listen(hearing);
  }

  async close(): Promise<void> {
    clearInterval(this.sweeper);
    this.journal?.close();
  }

  /** Runs `work`, and has the journal keep what it changed before anybody hears of it; or it changed nothing. */
  private recorded<T>(work: () => T): T | ErrorReply {
    this.db.time = this.now();
    try {
      this.journal?.catchUp();
      const result = work();
      this.journal?.append();
      return result;
    } catch (error) {
      if (error instanceof ErrorReply) return error;
      throw error;
    }
  }

  private execute(args: string[]): Reply {
    try {
      const refusal = this.refusal(args);
      if (refusal) throw refusal;
      const [name = "", ...rest] = args;
      const upper = name.toUpperCase();
      return upper in SCRIPT_ARITY ? this.script(upper, rest) : this.command(name, rest);
    } catch (error) {
      if (error instanceof ErrorReply) return error;
      throw error;
    }
  }

  private command(name: string, args: string[]): Reply {
    const command = commands[name.toUpperCase()] as (typeof commands)[string];
    if (command.write && this.readOnly)
      throw new ErrorReply("ERR Write commands are not allowed from read-only scripts.");
    return command.run(this.db, args);
  }

  /** Why a command cannot even be queued: it is unknown, or its number of arguments is wrong. */
  private refusal([name = "", ...args]: string[]): ErrorReply | undefined {
    const arity = SCRIPT_ARITY[name.toUpperCase()] ?? commands[name.toUpperCase()]?.arity;
    if (arity === undefined) {
      const shown = args.map((arg) => `'${arg}' `).join("");
      return new ErrorReply(`ERR unknown command '${name}', with args beginning with: ${shown}`);
    }
    const count = args.length + 1;
    if (arity < 0 ? count >= -arity : count === arity) return undefined;
    return new ErrorReply(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
  }

  private script(name: string, args: string[]): Reply {
    if (name === "SCRIPT") return this.manageScripts(args);
    const [script = ""] = args;
    const sha = name.startsWith("EVALSHA") ? script.toLowerCase() : this.scripting.load(script);
    return this.evaluate(sha, args, name.endsWith("_RO"));
  }

  private evaluate(sha: string, [, count, ...rest]: string[], readOnly: boolean): Reply {
    const keys = int(count);
    if (keys > rest.length) throw new ErrorReply("ERR Number of keys can't be greater than number of args");
    if (keys < 0) throw new ErrorReply("ERR Number of keys can't be negative");
    if (!this.scripting.has(sha)) throw new ErrorReply("NOSCRIPT No matching script. Please use EVAL.");
    this.readOnly = readOnly;
    try {
      return this.scripting.run(sha, rest.slice(0, keys), rest.slice(keys));
    } finally {
      this.readOnly = false;
    }
  }

  private manageScripts([sub = "", ...args]: string[]): Reply {
    switch (sub.toUpperCase()) {
      case "LOAD":
        return this.scripting.load(args[0] ?? "");
      case "EXISTS":
        return args.map((sha) => Number(this.scripting.has(sha.toLowerCase())));
      case "FLUSH":
        this.scripting.flush();
        return OK;
      default:
        throw new ErrorReply(`ERR unknown subcommand '${sub}'. Try SCRIPT HELP.`);
    }
  }

  private callFromScript(args: string[]): Reply {
    const [name = "", ...rest] = args;
    const command = commands[name.toUpperCase()];
    if (!command) {
      if (name.toUpperCase() in SCRIPT_ARITY) throw new ErrorReply("ERR This Redis command is not allowed from script");
      throw new ErrorReply("ERR Unknown Redis command called from script");
    }
    if (this.refusal(args)) throw new ErrorReply("ERR Wrong number of args calling Redis command from script");
    return this.command(name, rest);
  }
}

const SCRIPT_ARITY: Record<string, number> = { EVAL: -3, EVALSHA: -3, EVAL_RO: -3, EVALSHA_RO: -3, SCRIPT: -2 };
