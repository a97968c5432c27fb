/** The lock of a data directory: a file with the number of the process that uses it. One that was killed leaves it, and holds nothing. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Locks of this thread, which may run more than one stack. */
const held = new Set<string>();

/** Takes the lock at `path`, or returns the process that has it. */
export function takeLock(path: string): number | undefined {
  if (held.has(path)) return process.pid;
  for (;;) {
    try {
      writeFileSync(path, `${process.pid} ${startOf(process.pid) ?? ""}`, { flag: "wx", mode: 0o600 });
      held.add(path);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = lockHolder(path);
    if (holder !== undefined) return holder;
    putAway(path);
  }
}

export function releaseLock(path: string): void {
  if (held.delete(path)) rmSync(path, { force: true });
}

/** Two processes may find the lock of a dead one: one moves it away; the other finds none, or the first one's. */
function putAway(path: string): void {
  const away = `${path}.${process.pid}`;
  try {
    renameSync(path, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (lockHolder(away) === undefined) rmSync(away);
  else renameSync(away, path);
}

/** The process that holds a lock, unless it is gone. */
export function lockHolder(path: string): number | undefined {
  if (held.has(path)) return process.pid;
  const [number = "", start] = existsSync(path) ? readFileSync(path, "utf8").split(" ") : [];
  const pid = Number(number);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  // Another thread of this process holds it, unless an earlier process had the same number.
  if (pid === process.pid) return start && start === startOf(pid) ? pid : undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  // Numbers are used again. A process that cannot be looked at is taken for the holder.
  const now = startOf(pid);
  return isNode(pid) && (!start || now === undefined || now === start) ? pid : undefined;
}

function isNode(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("node");
  } catch {
    return true;
  }
}

/** When a process began, in the system's own unit; undefined where that cannot be known. Source: proc_pid_stat(5), field 22. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
