/** A disk that takes a part of what is written, or nothing, at any moment: what was refused is nowhere, and the rest is whole. */
import fs, { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbeddedRedis } from "../redis/embedded.ts";
import { ErrorReply } from "../redis/reply.ts";

/** The bytes that the disk still takes, and the calls that fail besides. */
const disk = { room: Number.POSITIVE_INFINITY, cuts: true, syncs: true };
const real = { writeSync: fs.writeSync, ftruncateSync: fs.ftruncateSync, fsyncSync: fs.fsyncSync };
const failure = (code: string) => Object.assign(new Error(code), { code });

beforeEach(() => {
  Object.assign(disk, { room: Number.POSITIVE_INFINITY, cuts: true, syncs: true });
  Object.assign(fs, {
    writeSync(file: number, bytes: Uint8Array, offset = 0) {
      const size = Math.min(disk.room, bytes.length - offset);
      if (size === 0) throw failure("ENOSPC");
      disk.room -= size;
      return real.writeSync(file, bytes, offset, size);
    },
    ftruncateSync(file: number, size: number) {
      if (!disk.cuts) throw failure("EIO");
      real.ftruncateSync(file, size);
    },
    fsyncSync(file: number) {
      if (!disk.syncs) throw failure("EIO");
      real.fsyncSync(file);
    },
  });
  syncBuiltinESMExports();
});
afterEach(() => {
  Object.assign(fs, real);
  syncBuiltinESMExports();
});

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-disk-"));
  path = join(dir, "redis.jsonl");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const KEYS = ["a", "h", "s", "n"];
const state = async (redis: EmbeddedRedis) =>
  Promise.all([
    redis.send(["GET", "a"]),
    redis.send(["HGETALL", "h"]),
    redis.send(["XRANGE", "s", "-", "+"]),
    redis.send(["GET", "n"]),
    redis.send(["EXISTS", ...KEYS]),
  ]);
const SCRIPT = [
  "EVAL",
  "redis.call('DEL', KEYS[1]) redis.call('XADD', KEYS[2], '*', 'f', 'w') return redis.call('INCR', KEYS[3])",
];

/** The content that another process would find, were this one killed now. */
async function afterKill(): Promise<unknown[]> {
  const copy = join(dir, "copy.jsonl");
  fs.copyFileSync(path, copy);
  const { room } = disk;
  disk.room = Number.POSITIVE_INFINITY;
  const again = new EmbeddedRedis({ path: copy });
  const found = await state(again);
  await again.close();
  disk.room = room;
  return found;
}

async function opened(): Promise<EmbeddedRedis> {
  const redis = new EmbeddedRedis({ path });
  await redis.send(["SET", "a", "1"]);
  await redis.send(["HSET", "h", "f", "v"]);
  await redis.send(["XADD", "s", "1-0", "f", "v"]);
  return redis;
}

describe("a full disk", () => {
  it("refuses a command with all that it did, wherever its line is torn, and takes it when there is room", async () => {
    for (const cuts of [true, false])
      for (let room = 0; room < 100; room += cuts ? 1 : 9) {
        rmSync(path, { force: true });
        Object.assign(disk, { room: Number.POSITIVE_INFINITY, cuts: true });
        const redis = await opened();
        const before = await state(redis);
        Object.assign(disk, { room, cuts });
        const reply = await redis.send([...SCRIPT, "3", "a", "s", "n"]);
        expect(reply).toBeInstanceOf(ErrorReply);
        expect((reply as ErrorReply).text).toMatch(/^MISCONF (?!.* script: )/);
        if (cuts) expect(await state(redis)).toEqual(before);
        else expect(await redis.send(["GET", "a"])).toBeInstanceOf(ErrorReply);
        disk.cuts = true;
        expect(await state(redis), "reads go on").toEqual(before);
        expect(await afterKill(), `after ${room} bytes`).toEqual(before);
        expect(
          await redis.transaction([
            ["SET", "n", "x".repeat(200)],
            ["DEL", "a"],
          ]),
        ).toBeInstanceOf(ErrorReply);
        disk.room = Number.POSITIVE_INFINITY;
        expect(await redis.send([...SCRIPT, "3", "a", "s", "n"])).toBe(1);
        expect(await afterKill()).toEqual(await state(redis));
        await redis.close();
      }
  });

  it("does not cost what was there when the journal cannot be rewritten, at the start or later", async () => {
    const first = await opened();
    const before = await state(first);
    await first.close();
    disk.room = 0;
    const redis = new EmbeddedRedis({ path });
    expect(await state(redis)).toEqual(before);
    expect(await redis.send(["SET", "n", "1"])).toBeInstanceOf(ErrorReply);
    disk.room = Number.POSITIVE_INFINITY;
    disk.syncs = false;
    const value = "v".repeat(1_000_000);
    for (let i = 0; i < 20; i++) expect(await redis.send(["SET", "n", `${value}${i}`])).not.toBeInstanceOf(ErrorReply);
    expect(readFileSync(path).length).toBeGreaterThan(20_000_000);
    disk.syncs = true;
    expect(await afterKill()).toEqual(await state(redis));
    await redis.close();
  });

  it("stops a first start, which has nothing to go on with", () => {
    disk.room = 10;
    expect(() => new EmbeddedRedis({ path })).toThrow(/redis\.jsonl cannot be written \(ENOSPC\)/);
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});
