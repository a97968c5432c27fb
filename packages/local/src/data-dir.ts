/** `.tenure/`: what the local stack keeps, and the lock that keeps a second one out of it. */
import { randomBytes } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { TenureError } from "@tenure/core/errors";

export interface DataDir {
  redisJournal: string;
  dynamo: string;
  /** Made at the first start and kept, so that sessions outlive a restart. */
  pepper: string;
  release(): void;
}

/** Opens the directory for this process alone. Throws `misconfigured` when it cannot be written or is in use. */
export function openDataDir(path: string): DataDir {
  const lock = join(path, "lock");
  try {
    mkdirSync(join(path, "dynamo"), { recursive: true, mode: 0o700 });
    const holder = holderOf(lock);
    if (holder !== undefined) throw inUse(path, holder);
    writeFileSync(lock, String(process.pid));
    for (const kept of ["dynamo", "redis.jsonl"].map((name) => join(path, name)))
      if (existsSync(kept)) accessSync(kept, constants.R_OK | constants.W_OK);
    return {
      redisJournal: join(path, "redis.jsonl"),
      dynamo: join(path, "dynamo"),
      pepper: readOrMake(join(path, "pepper")),
      release: () => rmSync(lock, { force: true }),
    };
  } catch (error) {
    if (error instanceof TenureError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw misconfigured(`${path} cannot be written (${code}): change its owner or mode, or set TENURE_DATA_DIR`);
  }
}

/** All that is ever in it. */
const OWN = new Set(["lock", "pepper", "redis.jsonl", "dynamo"]);

/**
 * Deletes the directory; false when there was none. Throws `misconfigured` while a stack uses it, and when there is
 * anything in it that no stack has put there.
 */
export function removeDataDir(path: string): boolean {
  if (!existsSync(path)) return false;
  const foreign = readdirSync(path).filter((name) => !OWN.has(name.replace(/\.tmp$/, "")));
  if (foreign.length > 0)
    throw misconfigured(
      `${path} holds ${foreign[0]}, which is not Tenure's: it stays. Remove what is yours, then reset`,
    );
  const holder = holderOf(join(path, "lock"));
  if (holder !== undefined) throw inUse(path, holder);
  rmSync(path, { recursive: true });
  return true;
}

/** The process that holds the lock, unless it is gone. */
function holderOf(lock: string): number | undefined {
  const pid = existsSync(lock) ? Number(readFileSync(lock, "utf8")) : Number.NaN;
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
    return isTenure(pid) ? pid : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? pid : undefined;
  }
}

/** Whether a process is one of these; one that cannot be looked at is taken for one. Numbers are used again. */
function isTenure(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("node");
  } catch {
    return true;
  }
}

/** Written beside and renamed, so that a crash leaves no half of it. */
function readOrMake(path: string): string {
  if (!existsSync(path)) {
    writeFileSync(`${path}.tmp`, randomBytes(32).toString("base64url"), { mode: 0o600, flush: true });
    renameSync(`${path}.tmp`, path);
  }
  return readFileSync(path, "utf8");
}

const inUse = (path: string, pid: number) =>
  misconfigured(`${path} is in use by process ${pid}: stop that one first, or set TENURE_DATA_DIR`);

const misconfigured = (problem: string) => new TenureError({ tag: "misconfigured", problems: [problem] });
