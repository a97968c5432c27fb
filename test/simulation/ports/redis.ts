/** Redis as one process sees it: the port that core has, with its deadline, on the embedded engine. */
import { TenureError } from "@tenure/core/errors";
import { malformedReply, type RedisStore, type Reply, sealed } from "@tenure/core/redis";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { ErrorReply, toBytes, toText } from "@tenure/local/redis/reply";
import type { SimulatedProcess } from "../world/process.ts";
import { BEGINNING, type World } from "../world/world.ts";
import { call, type Network, Refused } from "./call.ts";

/** As `connectRedis` sets it. */
const DEADLINE_MS = 1000;

/** The engine that all worlds share, one after the other, because beginning one is what costs. */
export class RedisServer {
  private world: World | undefined;
  private readonly known = new Set<string>();
  private readonly engine = new EmbeddedRedis({ now: () => BEGINNING + Math.floor(this.world?.now ?? 0) });

  async begin(world: World): Promise<void> {
    this.world = world;
    await this.engine.send(["FLUSHALL"]);
  }

  async send(args: string[]): Promise<Reply> {
    const reply = await this.engine.send(args.map(toBytes));
    if (reply instanceof ErrorReply) throw new Error(reply.text);
    return textOf(reply as never);
  }

  /** Carried out when this returns, whether or not anybody waits for the reply. */
  run({ source, sha }: { source: string; sha: string }, keys: string[], args: string[]): Promise<Reply> {
    const isKnown = this.known.has(sha);
    this.known.add(sha);
    const reply = this.send([
      ...(isKnown ? ["EVALSHA", sha] : ["EVAL", source]),
      String(keys.length),
      ...keys,
      ...args,
    ]);
    reply.catch(() => {});
    return reply;
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}

type EngineReply = Reply | { text: string } | EngineReply[];
function textOf(reply: EngineReply): Reply {
  if (typeof reply === "string") return toText(reply);
  if (Array.isArray(reply)) return reply.map(textOf);
  return typeof reply === "object" && reply !== null ? reply.text : reply;
}

const unavailable = (outcome: "not-applied" | "unknown") =>
  new TenureError({ tag: "store-unavailable", store: "redis", outcome });

export function redisStore(network: Network, process: SimulatedProcess, server: RedisServer): RedisStore {
  const inTime = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(unavailable("unknown")), DEADLINE_MS);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  return {
    async evaluate({ plain }, keys, args) {
      const label = labelOf(plain.source, keys, args);
      const { args: sent, open } = sealed(args);
      try {
        const reply = await inTime(call(network, process, "redis", label, () => server.run(plain, keys, sent)));
        const answer = open(reply);
        if (answer === undefined) throw malformedReply();
        return answer;
      } catch (error) {
        throw error instanceof Refused ? unavailable("not-applied") : error;
      }
    },
  };
}

/** Names a script by what it does to the log of a run. */
function labelOf(source: string, keys: string[], args: (string | number)[]): string {
  const verb = source.includes("XADD")
    ? "append"
    : source.includes("XRANGE")
      ? "read"
      : source.includes("DEL'")
        ? "remove"
        : source.includes("XREVRANGE")
          ? "open"
          : "set";
  const shown = verb === "append" ? ` ${args[0]}/${args[2]}${args[3] === 1 ? " end" : ""}` : "";
  return `${verb} ${keys[0]}${shown}`;
}
