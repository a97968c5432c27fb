/** Engines whose clock a test can move: time passes when it says so, and not while it waits. */
import { closeSync, openSync, writeSync } from "node:fs";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import type { RedisEngine } from "@tenure/local/redis/engine";
import { RedisServer } from "@tenure/local/redis/resp";
import { movedClockFile, movedRedisUrl } from "./found.ts";

interface MovedEngine {
  engine: RedisEngine;
  /** Moves the engine's clock on. */
  advance(ms: number): void;
  close(): Promise<void>;
}

export interface NamedMovedEngine {
  name: string;
  /** How far the clock may run on its own while a test makes a call, in milliseconds. */
  driftMs: number;
  open(): Promise<MovedEngine>;
}

export const movedEngines: NamedMovedEngine[] = [
  {
    name: "embedded",
    driftMs: 0,
    async open() {
      let now = Date.UTC(2030, 0, 1);
      const engine = new EmbeddedRedis({ now: () => now });
      return {
        engine,
        advance: (ms) => {
          now += ms;
        },
        close: () => engine.close(),
      };
    },
  },
];

if (movedRedisUrl && movedClockFile) {
  const [url, file] = [movedRedisUrl, movedClockFile];
  movedEngines.push({
    name: "redis-server",
    driftMs: 2000,
    async open() {
      const engine = new RedisServer(new URL(url));
      // Written in place: the server has the file mapped.
      const clock = openSync(file, "r+");
      let offsetMs = 0;
      const move = () => {
        const micros = Buffer.alloc(8);
        micros.writeBigInt64LE(BigInt(offsetMs) * 1000n);
        writeSync(clock, micros, 0, 8, 0);
      };
      move();
      await engine.send(["FLUSHALL"]);
      return {
        engine,
        advance(ms) {
          offsetMs += ms;
          move();
        },
        async close() {
          offsetMs = 0;
          move();
          closeSync(clock);
          await engine.close();
        },
      };
    },
  });
}
