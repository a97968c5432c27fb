/** `.tenure/`: what the local stack keeps, and the lock that keeps a second one out of it. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** Deletes the directory; false when there was none. Throws `misconfigured` while a stack uses it. */
export function removeDataDir(path: string): boolean {
  if (!existsSync(path)) return false;
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
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? pid : undefined;
  }
}

function readOrMake(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString("base64url"), { mode: 0o600, flush: true });
  return readFileSync(path, "utf8");
}

const inUse = (path: string, pid: number) =>
  misconfigured(`${path} is in use by process ${pid}: stop that one first, or set TENURE_DATA_DIR`);

const misconfigured = (problem: string) => new TenureError({ tag: "misconfigured", problems: [problem] });
