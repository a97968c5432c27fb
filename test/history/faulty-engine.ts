/** An engine that is slow, loses replies, and carries out what its client has given up on. */
import type { RedisEngine } from "@tenure/local/redis/engine";
import type { Reply } from "@tenure/local/redis/reply";

export interface Faults {
  /** Of how many commands in a thousand the request is lost before it lands, or the reply after it did. */
  lost: number;
  /** The number in a thousand commands that land only when their client no longer waits. */
  late: number;
  /** The number in a thousand commands that wait before they land, and in a thousand replies that wait, for up to `slowMs`. */
  slow: number;
  slowMs: number;
  /** When the client gives up, and for how much longer a late command waits at most before it lands. */
  deadlineMs: number;
  lateMs: number;
}

export function faultyEngine(engine: RedisEngine, faults: Faults): RedisEngine {
  const chance = (perThousand: number) => Math.random() * 1000 < perThousand;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  /** Sometimes the connection breaks at once, sometimes there is silence. */
  const lose = async () => {
    if (chance(500)) await pause(faults.deadlineMs * 2);
    throw new Error("lost");
  };
  return {
    description: engine.description,
    transaction: (commands) => engine.transaction(commands),
    subscribe: (hearing) => engine.subscribe(hearing),
    close: () => engine.close(),
    async send(args): Promise<Reply> {
      if (chance(faults.late)) await pause(faults.deadlineMs + Math.random() * faults.lateMs);
      else if (chance(faults.slow)) await pause(Math.random() * faults.slowMs);
      if (chance(faults.lost)) await lose();
      const reply = await engine.send(args);
      if (chance(faults.lost)) await lose();
      if (chance(faults.slow)) await pause(Math.random() * faults.slowMs);
      return reply;
    },
  };
}
