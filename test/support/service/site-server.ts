/** The site's development server, Vite with the site's own configuration, on a copy of the site that a test may change. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { expect } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export interface SiteServer {
  url: string;
  /** Replaces text in a file of the site, named from its folder. */
  edit(file: string, from: string, to: string): void;
  /** Saves a file once more, as it is. */
  save(file: string): void;
  close(): Promise<void>;
}

/** Runs the command in the folder of the site until it serves it; throws with what it has said when it ends before. */
export async function startSiteServer(
  folder: string,
  command: string,
  env: Record<string, string>,
): Promise<SiteServer> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TENURE_|VITEST|NODE_ENV|npm_)/.test(name)),
  );
  const child = spawn(command, {
    cwd: folder,
    // A group of its own, since the shell and npx are in between.
    ...{ shell: true, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...inherited, ...env } },
  }) as ChildProcess;
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  const ended = once(child, "close");
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), "SIGKILL");
    await ended;
  };
  // In CI Vite colours its words, terminal or not.
  const address = () => /Local: +(http:\/\/localhost:\d+)/.exec(stripVTControlCharacters(output))?.[1];
  try {
    const failed = ended.then(() => Promise.reject(new Error(`${command} has ended: ${output}`)));
    await Promise.race([failed, expect.poll(address, { message: command }).toBeDefined()]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: address() as string,
    edit: (file, from, to) => edit(join(folder, file), from, to),
    save: (file) => edit(join(folder, file), "", ""),
    close,
  };
}

/** Throws when the text is not there. */
export function edit(path: string, from: string, to: string): void {
  const before = readFileSync(path, "utf8");
  if (!before.includes(from)) throw new Error(`${path} has no ${JSON.stringify(from)}`);
  writeFileSync(path, before.replace(from, to));
}

/** A copy of the site in a project of its own, whose installed packages are this project's. */
export function copySite(): { folder: string; remove(): void } {
  const project = mkdtempSync(join(tmpdir(), "tenure-site-"));
  const folder = join(project, "packages/web");
  mkdirSync(join(project, "packages"));
  const left = new Set(["node_modules", "dist"]);
  cpSync(join(ROOT, "packages/web"), folder, { recursive: true, filter: (path) => !left.has(basename(path)) });
  // Vite reads the TypeScript configuration of the site, and of what that refers to.
  const references = ["packages/core/tsconfig.json", "packages/functions/tsconfig.json"];
  for (const name of ["package.json", "tsconfig.base.json", ...references])
    cpSync(join(ROOT, name), join(project, name));
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  return { folder, remove: () => rmSync(project, { recursive: true, force: true }) };
}
