/** Servers that the lab starts for itself, on free loopback ports and in a temporary folder, and ends again. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "./clock.ts";

const READY_MS = 30_000;

export interface Server {
  port: number;
  process: ChildProcess;
}

export class Servers {
  private readonly folder = mkdtempSync(join(tmpdir(), "ttl-lab-"));
  private readonly started: ChildProcess[] = [];

  constructor() {
    // However the lab is stopped, nothing of it stays.
    process.once("exit", () => this.end());
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  }

  /** The whole path of a program, from the usual folders and the given ones; undefined when it is not installed. */
  static find(name: string, folders: string[] = []): string | undefined {
    const path = [...folders, ...(process.env.PATH ?? "").split(":"), "/usr/sbin"];
    return path.map((folder) => join(folder, name)).find((file) => existsSync(file));
  }

  newFolder(name: string, owner?: { uid: number; gid: number }): string {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    if (owner) {
      chmodSync(this.folder, 0o755);
      chownSync(folder, owner.uid, owner.gid);
    }
    return folder;
  }

  /** Runs a program to its end; throws what it said when it fails. */
  run(program: string, args: string[], as: { uid?: number; gid?: number } = {}): void {
    const { status, stderr, stdout } = spawnSync(program, args, { encoding: "utf8", cwd: this.folder, ...as });
    if (status !== 0) throw new Error(`${program} failed: ${stderr || stdout}`);
  }

  async start(
    program: string,
    args: (port: number) => string[],
    as: { uid?: number; gid?: number } = {},
  ): Promise<Server> {
    const port = await freePort();
    const child = spawn(program, args(port), { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"], ...as });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (said = (said + chunk).slice(-2000)));
    this.started.push(child);
    child.once("exit", (code) => code && process.stderr.write(`${program} ended with ${code}: ${said}\n`));
    return { port, process: child };
  }

  async close(): Promise<void> {
    const ended = this.started.map((child) =>
      child.exitCode !== null ? undefined : new Promise((resolve) => child.once("exit", resolve)),
    );
    for (const child of this.started) {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
    }
    await Promise.all(ended);
    this.end();
  }

  private end(): void {
    for (const child of this.started) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 50 });
  }
}

/** Tries until it works, or it is too late. */
export async function untilReady<T>(attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + READY_MS;
  for (;;)
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(100);
    }
}

/** Servers of databases do not run as root: then they run as the user that Debian's package has made for them. */
export function userOf(name: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync("id", [flag, name], { encoding: "utf8" }).stdout);
  return { uid: id("-u"), gid: id("-g") };
}

/** Debian keeps PostgreSQL's programs by version, out of the path. */
export function postgresFolders(): string[] {
  const root = "/usr/lib/postgresql";
  return existsSync(root) ? readdirSync(root).map((version) => join(root, version, "bin")) : [];
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
