import { createHash, randomBytes } from "node:crypto";

/** A reply of RESP2 as the REST API gives it: strings are text, integers are numbers, nil is null. */
export type Reply = string | number | null | Reply[];

/** A Lua script with the names under which a server knows it, with and without the key-locking header. */
export interface Script {
  /** True when every key that the script touches is among its KEYS. */
  readonly declaresKeys: boolean;
  /** True when it ends something for good: over a connection that is told of replicas, its answer waits for them. */
  readonly ends?: boolean;
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
const PRELUDE = `local seal = table.remove(ARGV)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function answer()
`;

/** An error is one by itself, wherever it stands. */
const CLOSE = `
end
local reply = answer()
if type(reply) == 'table' and reply.err then return reply end
return { seal, reply }`;

/** A script's body ends with what it answers, which is never nil. */
export function defineScript(body: string, options: { declaresKeys: boolean; ends?: boolean }): Script {
  const source = PRELUDE + body + CLOSE;
  return { ...options, plain: named(source), locking: named(LOCKING_HEADER + source) };
}

export function sourceFor(script: Script, keyLocking: boolean): Source {
  return keyLocking && script.declaresKeys ? script.locking : script.plain;
}

function named(source: string): Source {
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}

/** Words that no other process says. */
const OURS = randomBytes(9).toString("base64url");
let calls = 0;

/**
 * Arguments for one call of a script, with a word that its answer begins with, and what takes that off again: undefined for the answer
 * to another call. A proxy that is one answer behind, or a late answer on a connection that is used again, would else be believed.
 */
export function sealed(args: readonly (string | number)[]): {
  args: string[];
  open: (reply: Reply) => Reply | undefined;
} {
  calls += 1;
  const seal = `${OURS}${calls}`;
  return {
    args: [...args.map(String), seal],
    open: (reply) => (Array.isArray(reply) && reply.length === 2 && reply[0] === seal ? reply[1] : undefined),
  };
}
