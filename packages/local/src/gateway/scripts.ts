/**
 * Upstash takes scripts that begin with `#!lua flags=allow-key-locking`; Redis refuses that flag. The gateway
 * hands the engine the script without it, and keeps the names: clients go on using the SHA-1 of what they sent.
 */
import type { RedisEngine } from "../redis/engine.ts";
import { sha1 } from "../redis/lua.ts";
import type { Reply } from "../redis/reply.ts";

const FLAG = "allow-key-locking";

export class ScriptNames {
  private readonly shaAtEngine = new Map<string, string>();

  /** The arguments as the engine takes them. */
  translate(args: string[]): string[] {
    const [name = "", first = "", ...rest] = args;
    switch (name.toUpperCase()) {
      case "EVAL":
      case "EVAL_RO":
        return [name, this.rewrite(first), ...rest];
      case "EVALSHA":
      case "EVALSHA_RO":
        return [name, this.alias(first), ...rest];
      case "SCRIPT":
        if (first.toUpperCase() === "LOAD") return [name, first, ...rest.map((source) => this.rewrite(source))];
        if (first.toUpperCase() === "EXISTS") return [name, first, ...rest.map((sha) => this.alias(sha))];
        return args;
      default:
        return args;
    }
  }

  /** SCRIPT LOAD answers with the name of what the client sent, not of what the engine got. */
  async send(engine: RedisEngine, args: string[]): Promise<Reply> {
    const reply = await engine.send(this.translate(args));
    return typeof reply === "string" ? this.restore(args, reply) : reply;
  }

  private restore(args: string[], reply: string): string {
    const isLoad = args[0]?.toUpperCase() === "SCRIPT" && args[1]?.toUpperCase() === "LOAD";
    return isLoad ? sha1(args[2] ?? "") : reply;
  }

  private alias(sha: string): string {
    return this.shaAtEngine.get(sha.toLowerCase()) ?? sha;
  }

  private rewrite(source: string): string {
    const [header, flags] = /^#!lua flags=([^\n]*)/.exec(source) ?? [];
    if (header === undefined || flags === undefined) return source;
    const kept = flags
      .split(",")
      .map((flag) => flag.trim())
      .filter((flag) => flag !== FLAG);
    // A comment in the header's place keeps the line numbers.
    const rewritten = (kept.length ? `#!lua flags=${kept.join(",")}` : "--") + source.slice(header.length);
    this.shaAtEngine.set(sha1(source), sha1(rewritten));
    return rewritten;
  }
}
