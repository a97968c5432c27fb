/** Redis engines whose clock stands still until a test moves it: a deadline is exact to the millisecond on any machine. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import type { RedisEngine } from "@tenure/local/redis/engine";
import { ErrorReply } from "@tenure/local/redis/reply";
import { RedisServer } from "@tenure/local/redis/resp";
import { movedClockLibrary } from "./found.ts";
import { startRedisCluster } from "./redis-cluster.ts";
import { startRedisServer } from "./redis-server.ts";

export interface MovedEngine {
  engine: RedisEngine;
  /** Where it listens: one server, or the nodes of a cluster. None for the embedded one. */
  urls: string[];
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
/**
 * The longest that a server goes on with a reading of its clock, with a margin. Valkey 9.1 asks the wall clock once in a millisecond of
 * the processor's counter, and adds what has passed by the counter; Redis 8.6 does it for less.
 */
const REUSED_MS = 2;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

async function openEmbedded(): Promise<MovedEngine> {
  let now = START;
  const engine = new EmbeddedRedis({ now: () => now });
  return {
    engine,
    urls: [],
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
    close: () => engine.close(),
  };
}

/** The clock of servers that the library is preloaded in, in a file that they have mapped. */
function openClock(library: string) {
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
  return {
    env: { LD_PRELOAD: library, MOVED_CLOCK: path },
    now: () => now,
    advance(ms: number) {
      now += ms;
      write();
      // The server's next command reads the clock anew, and sees exactly the millisecond that the test has set.
      Atomics.wait(sleeper, 0, 0, REUSED_MS);
    },
    close() {
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * Leaves the end of a key to the command that asks for it, which every server answers alike: the key is there in its last millisecond.
 * Redis 8 removes keys in passing in that millisecond already, when it comes by.
 */
async function expireWhenAsked(engine: RedisEngine): Promise<void> {
  const reply = await engine.send(["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
  if (reply instanceof ErrorReply) throw reply;
}

/** A redis-server of its own for each test file, since its clock is the file's. */
async function openServer(library: string): Promise<MovedEngine> {
  const { env, close: closeClock, ...clock } = openClock(library);
  const { url, close } = await startRedisServer(env);
  const engine = new RedisServer(new URL(url));
  await expireWhenAsked(engine);
  return {
    engine,
    urls: [url],
    ...clock,
    async close() {
      await engine.close();
      await close();
      closeClock();
    },
  };
}

async function openCluster(library: string): Promise<MovedEngine> {
  const { env, close: closeClock, ...clock } = openClock(library);
  const { engine, nodes, urls, close } = await startRedisCluster({ env, passTime: () => clock.advance(100) });
  for (const node of nodes) await expireWhenAsked(node.engine);
  return {
    engine,
    urls,
    ...clock,
    async close() {
      await close();
      closeClock();
    },
  };
}

export const movedEngines: NamedMovedEngine[] = [
  { name: "embedded", open: openEmbedded },
  ...(movedClockLibrary ? [{ name: "redis-server", open: () => openServer(movedClockLibrary as string) }] : []),
];

export const movedCluster: NamedMovedEngine[] = movedClockLibrary
  ? [{ name: "a cluster", open: () => openCluster(movedClockLibrary as string) }]
  : [];
