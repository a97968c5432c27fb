/** `.tenure/`: what the local stack keeps, for its owner's eyes, and the lock that keeps a second stack out of it. */
import { randomBytes } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { TenureError } from "@tenure/core/errors";
import { lockHolder, releaseLock, takeLock } from "./lock.ts";
import { printNotice } from "./notice.ts";

export interface DataDir {
  redisJournal: string;
  dynamo: string;
  /** Made at the first start and kept, so that sessions outlive a restart. */
  pepper: string;
  /** Sessions and codes of another one do not exist. */
  generation: string;
  release(): void;
}

/** Opens the directory for this process alone. Throws `misconfigured`, in one line, when it cannot be used or is in use. */
export function openDataDir(path: string, { newGeneration = false } = {}): DataDir {
  const at = (name: string) => join(path, name);
  let isLocked = false;
  try {
    makeFolder(path);
    makeFolder(at("dynamo"));
    const holder = takeLock(at("lock"));
    if (holder !== undefined) throw inUse(path, holder);
    isLocked = true;
    closeToOthers(path);
    for (const kept of OWN.map(at)) if (existsSync(kept)) accessSync(kept, constants.R_OK | constants.W_OK);
    return {
      redisJournal: at("redis.jsonl"),
      dynamo: at("dynamo"),
      pepper: readOrMake(at("pepper")),
      generation: generationIn(at("generation"), newGeneration),
      release: () => releaseLock(at("lock")),
    };
  } catch (error) {
    if (isLocked) releaseLock(at("lock"));
    if (error instanceof TenureError) throw error;
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): TenureError {
  const { code = "" } = error as NodeJS.ErrnoException;
  const remedy = REMEDIES[code] ?? "change its owner or mode";
  return misconfigured(`${path} cannot be written (${code}): ${remedy}, or set TENURE_DATA_DIR`);
}

const REMEDIES: Record<string, string> = {
  EEXIST: "make it a folder",
  EISDIR: "remove the folder that is in a file's place",
  ELOOP: "mend the symbolic link",
  ENAMETOOLONG: "shorten it",
  ENOENT: "make the folder that it is to be in, or mend the symbolic link",
  ENOTDIR: "remove the file that is in a folder's place",
  ENOSPC: "make room on its disk",
  EDQUOT: "make room on its disk",
  EROFS: "mount its disk for writing",
};

/** The names of all that a stack puts into the directory; `.tmp`, `.next`, `.damaged` or a number can follow. */
const OWN = ["lock", "pepper", "generation", "redis.jsonl", "dynamo"];
const isOwn = (name: string): boolean => OWN.includes(name.replace(/\.(tmp|next|damaged|\d+)$/, ""));

/**
 * Deletes the directory; of one behind a symbolic link, all that is in it. False when there was none. Throws `misconfigured`
 * while a stack uses it, and when there is anything in it that no stack has put there.
 */
export function removeDataDir(path: string): boolean {
  try {
    return existsSync(path) && removeAll(path);
  } catch (error) {
    throw error instanceof TenureError ? error : unusable(path, error);
  }
}

function removeAll(path: string): true {
  if (!statSync(path).isDirectory()) throw misconfigured(`${path} is a file, and not Tenure's: it stays`);
  const names = readdirSync(path);
  const foreign = names.find((name) => !isOwn(name));
  if (foreign !== undefined)
    throw misconfigured(`${path} holds ${foreign}, which is not Tenure's: it stays. Remove what is yours, then reset`);
  const holder = lockHolder(join(path, "lock"));
  if (holder !== undefined) throw inUse(path, holder);
  for (const name of names) rmSync(join(realpathSync(path), name), { recursive: true });
  if (!lstatSync(path).isSymbolicLink()) rmSync(path, { recursive: true });
  return true;
}

/** Makes a folder and those above it. The `recursive` of Node.js 20 does not return where none can be made, as in /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(path).isDirectory()) return;
    if (code !== "ENOENT" || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

/** Takes other users' rights away, also where an earlier version, or the user, has made the folder. A shared folder keeps its own. */
function closeToOthers(path: string): void {
  const names = readdirSync(path);
  if (names.every(isOwn)) restrict(path);
  const own = names.filter(isOwn).map((name) => join(path, name));
  const inside = own.filter((name) => lstatSync(name).isDirectory());
  for (const name of [...own, ...inside.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))])
    restrict(name);
}

function restrict(path: string): void {
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) === 0) return;
    chmodSync(path, mode & 0o700);
  } catch (error) {
    printNotice(
      `${path} is open to other users, and its mode cannot be changed (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

function readOrMake(path: string): string {
  if (!existsSync(path)) write(path, randomBytes(32).toString("base64url"));
  return readFileSync(path, "utf8");
}

/** The first one has no file. */
function generationIn(path: string, isNew: boolean): string {
  if (isNew) write(path, randomBytes(12).toString("base64url"));
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Written beside and renamed, so that a crash leaves no half of it. */
function write(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.tmp`, path);
}

const inUse = (path: string, pid: number) =>
  misconfigured(`${path} is in use by process ${pid}: stop that one first, or set TENURE_DATA_DIR`);

const misconfigured = (problem: string) => new TenureError({ tag: "misconfigured", problems: [problem] });
