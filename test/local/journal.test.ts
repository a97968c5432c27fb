/** The journal of the embedded Redis: all of it comes back, or the start stops and says where. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTenureError } from "@tenure/core/errors";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isLong, sized } from "../support/runner/size.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-journal-"));
  path = join(dir, "redis.jsonl");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const COMMANDS = [
  ["SET", "session", "live \u00ff\u0000"],
  ["HSET", "h", "f", "v"],
  ["ZADD", "z", "1.5", "one"],
  ["XADD", "stream", "1-0", "f", "v"],
  ["XADD", "stream", "2-0", "f", "w"],
  ["DEL", "session"],
  ["RPUSH", "l", "x", "y"],
  ["SET", "last", "1"],
];
/** In the short form, not every byte. */
const STEP = sized(3, 1);
const KEYS = ["session", "h", "z", "stream", "l", "last"];

async function dump(redis: EmbeddedRedis): Promise<unknown[]> {
  const asks = KEYS.flatMap((key) => [
    ["GET", key],
    ["HGETALL", key],
    ["ZRANGE", key, "0", "-1", "WITHSCORES"],
    ["XRANGE", key, "-", "+"],
    ["LRANGE", key, "0", "-1"],
    ["PEXPIRETIME", key],
  ]);
  const replies = await Promise.all(asks.map((ask) => redis.send(ask)));
  return replies.map((reply) => (reply instanceof Error ? "wrong type" : reply));
}

/** The file after COMMANDS without a stop, and what there was after each. */
async function filled(): Promise<{ bytes: Buffer; states: unknown[][] }> {
  rmSync(path, { force: true });
  const redis = new EmbeddedRedis({ path });
  const states = [await dump(redis)];
  for (const command of COMMANDS) {
    await redis.send(command);
    states.push(await dump(redis));
  }
  const bytes = readFileSync(path);
  await redis.close();
  return { bytes, states };
}

/** The data that a start on these bytes has, or the line with which it stops. */
async function startOn(bytes: Buffer, skipDamage = false): Promise<unknown[] | string> {
  writeFileSync(path, bytes);
  try {
    const redis = new EmbeddedRedis({ path, skipDamage });
    const found = await dump(redis);
    await redis.close();
    return found;
  } catch (error) {
    if (!isTenureError(error, "misconfigured")) throw error;
    expect(error.reason.problems).toEqual([expect.stringContaining(path)]);
    expect(readFileSync(path), "a start that stops changes nothing").toEqual(bytes);
    return error.reason.problems[0] as string;
  }
}

const linesOf = (bytes: Buffer) =>
  bytes
    .toString("latin1")
    .split(/(?<=\n)/)
    .map((line): Buffer => Buffer.from(line, "latin1"));

describe("a damaged journal", () => {
  it("stops the start in one line that says where and what to do, whichever line is changed, lost, twice or moved", async () => {
    const { bytes, states } = await filled();
    const lines = linesOf(bytes);
    expect(await startOn(bytes)).toEqual(states.at(-1));
    const damages: Buffer[][] = [];
    for (const at of lines.keys()) {
      // Without its last lines it is what a crash could have left.
      if (at < lines.length - 1) damages.push(lines.toSpliced(at, 1));
      damages.push(lines.toSpliced(at, 0, lines[at] as Buffer));
      if (at > 0) damages.push(lines.toSpliced(at - 1, 2, lines[at] as Buffer, lines[at - 1] as Buffer));
      damages.push(lines.toSpliced(at, 1, Buffer.from("\n")), lines.toSpliced(at, 0, Buffer.from("garbage\n")));
    }
    for (const damage of damages) {
      const answer = await startOn(Buffer.concat(damage));
      expect(answer, Buffer.concat(damage).toString()).toMatch(
        / is damaged: line \d+ \(bytes \d+ to \d+\): .*--skip-damage.*npm run reset/,
      );
    }
  });

  it("stops the start, or has what was acknowledged, whichever byte is changed", async () => {
    const { bytes, states } = await filled();
    for (let at = 0; at < bytes.length; at += STEP) {
      const masks = [0x01, 0x20, 0x80, (bytes[at] ?? 0) ^ 0x0a].filter((mask) => mask > 0);
      for (const mask of isLong ? masks : [masks[at % masks.length] as number]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ mask;
        const answer = await startOn(changed);
        expect(typeof answer, `byte ${at} ^ ${mask} gave ${JSON.stringify(answer)} of ${states.length}`).toBe("string");
      }
    }
  });

  it("has exactly what was acknowledged before a cut, at every byte, or stops", async () => {
    const { bytes, states } = await filled();
    const first = linesOf(bytes)[0]?.length ?? 0;
    for (let cut = 0; cut <= bytes.length; cut += cut > bytes.length - 80 ? 1 : STEP) {
      const answer = await startOn(bytes.subarray(0, cut));
      const lines = bytes.subarray(0, cut).toString("latin1").split("\n").length - 2;
      if (cut > 0 && cut < first) expect(answer).toContain("does not begin as a journal does");
      else expect(answer, `cut at ${cut}`).toEqual(states[Math.max(0, lines)]);
    }
  });

  it.each([
    ["random bytes", Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + (i >> 3) * 31) & 255))],
    ["text", Buffer.from("hello\n")],
    ["zeros", Buffer.from("\0\0\0\n")],
    ["a newer version's first line", Buffer.from('{"journal":"tenure","version":3}\n')],
  ])("stops the start on %s as the whole file", async (_, bytes) => {
    expect(await startOn(bytes)).toMatch(/is damaged|version 3/);
  });

  it("is read without what is damaged when told so: what that may have ended has ended, and the file stays beside", async () => {
    const { bytes } = await filled();
    const lines = linesOf(bytes);
    const logout = lines.findIndex((line) => line.includes('[["session"]]'));
    const damaged = Buffer.concat(lines.toSpliced(logout, 1, Buffer.from("x\n")));
    expect(await startOn(damaged)).toContain(`line ${logout + 1} `);
    writeFileSync(path, damaged);
    const redis = new EmbeddedRedis({ path, skipDamage: true });
    expect(await redis.send(["EXISTS", "session", "h", "z", "stream"])).toBe(0);
    expect(await redis.send(["EXISTS", "l", "last"])).toBe(2);
    await redis.close();
    expect(readFileSync(`${path}.damaged`)).toEqual(damaged);
    const again = new EmbeddedRedis({ path });
    expect(await again.send(["EXISTS", "l", "last", "session"])).toBe(2);
    await again.close();
  });

  it("loses nothing when lines that are whole are out of order", async () => {
    const { bytes, states } = await filled();
    const [first, ...lines] = linesOf(bytes);
    const moved = Buffer.concat([first as Buffer, ...lines.reverse(), lines[0] as Buffer]);
    expect(await startOn(moved)).toContain("is damaged");
    expect(await startOn(moved, true)).toEqual(states.at(-1));
  });
});

describe("a journal of version 1, which had no checks", () => {
  const old = [
    '[["a","string","1",null]]',
    '[["s","stream",{"last":"1","entries":[["1",["f","v"]]]},null]]',
    '[["a"]]',
  ];
  const file = (...lines: string[]) => lines.map((line) => `${line}\n`).join("");

  it("is read, and kept in the present format", async () => {
    writeFileSync(path, file(...old, '[["last","string","1",null]]'), { mode: 0o644 });
    appendFileSync(path, '[["torn","str');
    const redis = new EmbeddedRedis({ path });
    expect(await redis.send(["EXISTS", "a"])).toBe(0);
    expect(await redis.send(["XLEN", "s"])).toBe(1);
    expect(await redis.send(["GET", "last"])).toBe("1");
    await redis.close();
    expect(readFileSync(path, "utf8").split("\n")[0]).toBe('{"journal":"tenure","version":2}');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.each([
    "garbage",
    "[1,2]",
    '["a"]',
    '[["a","nothing","1",null]]',
    '[["n","stream+",{"last":"2","entries":[]},null]]',
    "",
  ])("stops the start at the line %j", async (line) => {
    expect(await startOn(Buffer.from(file(old[0] as string, line, old[2] as string)))).toContain("line 2 ");
  });

  it("is empty when the file is", async () => {
    expect(await startOn(Buffer.alloc(0))).toEqual(await startOn(Buffer.from(file('[["gone"]]'))));
  });
});

describe("the journal of any commands", () => {
  const key = fc.constantFrom("session", "stream", "l");
  const command: fc.Arbitrary<string[]> = fc.oneof(
    fc.tuple(fc.constant("SET"), key, fc.string({ maxLength: 3 })),
    fc.tuple(fc.constant("DEL"), key),
    fc.tuple(fc.constantFrom("RENAME", "RENAMENX"), key, key),
    fc.tuple(fc.constant("XADD"), key, fc.constant("*"), fc.constant("f"), fc.constant("v")),
    fc.tuple(fc.constant("XTRIM"), key, fc.constant("MAXLEN"), fc.constant("1")),
    fc.tuple(fc.constant("HSET"), key, fc.constantFrom("f", "g"), fc.constant("v")),
    fc.tuple(fc.constant("HDEL"), key, fc.constant("f")),
    fc.tuple(fc.constant("ZADD"), key, fc.constantFrom("1", "-inf"), fc.constant("m")),
    fc.tuple(fc.constant("LPUSH"), key, fc.constant("v")),
    fc.tuple(fc.constant("LPOP"), key),
    fc.tuple(fc.constant("PEXPIRE"), key, fc.constantFrom("5", "100000")),
    fc.tuple(fc.constant("PERSIST"), key),
    fc.tuple(fc.constant("GETEX"), key, fc.constant("PX"), fc.constant("3")),
  );

  it("gives back what memory has, after a kill at any moment", async () => {
    const life = async (commands: string[][]) => {
      let now = 1_000_000;
      rmSync(path, { force: true });
      const redis = new EmbeddedRedis({ path, now: () => now });
      for (const one of commands) {
        now += 2;
        await redis.send(one);
      }
      const copy = join(dir, "copy.jsonl");
      writeFileSync(copy, readFileSync(path));
      const again = new EmbeddedRedis({ path: copy, now: () => now });
      expect(await dump(again)).toEqual(await dump(redis));
      await Promise.all([redis.close(), again.close()]);
    };
    await fc.assert(fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 40, size: "max" }), life), {
      numRuns: sized(60, 500),
      seed: 2026,
      examples: [
        [
          [
            ["XADD", "stream", "1-0", "f", "v"],
            ["RENAME", "stream", "l"],
            ["XADD", "l", "2-0", "f", "v"],
          ],
        ],
      ],
    });
  });
});

describe("the journal's file", () => {
  it("is its owner's alone, and nothing of a rewriting that a crash has ended is left", async () => {
    writeFileSync(`${path}.next`, "half", { mode: 0o644 });
    const redis = new EmbeddedRedis({ path });
    await redis.send(["SET", "a", "1"]);
    await redis.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(["redis.jsonl"]);
  });
});
