/** Redis engines whose clock stands still until a test moves it: a deadline is exact to the millisecond on any machine. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import type { RedisEngine } from "@tenure/local/redis/engine";
import { RedisServer } from "@tenure/local/redis/resp";
import { movedClockLibrary } from "./found.ts";
import { startRedisServer } from "./redis-server.ts";

export interface MovedEngine {
  engine: RedisEngine;
  /** Epoch milliseconds. */
  now(): number;
  /** Moves the engine's clock on. */
  advance(ms: number): void;
  close(): Promise<void>;
}

export interface NamedMovedEngine {
  name: string;
  open(): Promise<MovedEngine>;
}

const START = Date.UTC(2030, 0, 1);

async function openEmbedded(): Promise<MovedEngine> {
  let now = START;
  const engine = new EmbeddedRedis({ now: () => now });
  return {
    engine,
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
    close: () => engine.close(),
  };
}

/** A redis-server of its own for each test file, since its clock is the file's. */
async function openServer(library: string): Promise<MovedEngine> {
  const folder = mkdtempSync(join(tmpdir(), "moved-clock-"));
  const path = join(folder, "clock");
  // Written in place: the server has the file mapped.
  const file = openSync(path, "w+");
  let now = START;
  const write = () => {
    const micros = Buffer.alloc(8);
    micros.writeBigInt64LE(BigInt(now) * 1000n);
    writeSync(file, micros, 0, 8, 0);
  };
  write();
  const { url, close } = await startRedisServer({ LD_PRELOAD: library, MOVED_CLOCK: path });
  const engine = new RedisServer(new URL(url));
  return {
    engine,
    now: () => now,
    advance(ms) {
      now += ms;
      write();
    },
    async close() {
      await engine.close();
      await close();
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
}

export const movedEngines: NamedMovedEngine[] = [
  { name: "embedded", open: openEmbedded },
  ...(movedClockLibrary ? [{ name: "redis-server", open: () => openServer(movedClockLibrary as string) }] : []),
];
