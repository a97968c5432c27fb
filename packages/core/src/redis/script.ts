import { createHash } from "node:crypto";

/** A Lua script with the names under which a server knows it, with and without the key-locking header. */
export interface Script {
  /** Whether every key that the script touches is among its KEYS. */
  readonly declaresKeys: boolean;
  readonly plain: Source;
  readonly locking: Source;
}

interface Source {
  source: string;
  sha: string;
}

/** Source: https://upstash.com/docs/redis/features/scripting: other scripts lock the whole database. */
const LOCKING_HEADER = "#!lua flags=allow-key-locking\n";

/** `now` in epoch milliseconds by Redis' own clock, for scripts: the instant of this line, or that at which the script began. */
const PRELUDE = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

export function defineScript(body: string, options: { declaresKeys: boolean }): Script {
  const source = PRELUDE + body;
  return { ...options, plain: named(source), locking: named(LOCKING_HEADER + source) };
}

export function sourceFor(script: Script, keyLocking: boolean): Source {
  return keyLocking && script.declaresKeys ? script.locking : script.plain;
}

function named(source: string): Source {
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
