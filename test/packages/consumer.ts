/** An empty project outside the repository, into which the packed files are installed as from a registry. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { WAIT_MS } from "../support/runner/size.ts";
import { installFolder } from "./folder.ts";

const SOURCES = fileURLToPath(new URL("consumer", import.meta.url));
const run = promisify(execFile);

export interface Consumer {
  /** Compiles the project with one compiler under one way to resolve modules; resolves to what the compiler said. */
  check(compiler: string, module: "nodenext" | "bundler"): Promise<string>;
  /** Compiles a program of the project and runs it; resolves to what it printed. */
  runProgram(name: string, env: Record<string, string>, node?: string): Promise<string>;
  write(path: string, text: string): void;
  close(): void;
}

/** Installs packages of this repository from the tarballs of a folder, and others by their names and versions or ranges. */
export async function newConsumer(
  tarballs: string,
  names: string[],
  packages: Record<string, string>,
): Promise<Consumer> {
  const folder = installFolder("consumer-");
  const packed = readdirSync(tarballs);
  const fileOf = (name: string) => packed.find((file) => file.startsWith(`tenure-${name}-`)) as string;
  const own = Object.fromEntries(names.map((name) => [`@tenure/${name}`, `file:${join(tarballs, fileOf(name))}`]));
  const dependencies = { ...own, ...packages };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
  cpSync(SOURCES, join(folder, "src"), { recursive: true });
  // The cache has all that `npm ci` has installed; what else is asked for comes from the registry.
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  await run("npm", install, { cwd: folder, timeout: WAIT_MS }).catch((error: { stderr: string }) => {
    throw new Error(`npm install in ${folder}: ${error.stderr}`);
  });
  const compile = (compiler: string, module: "nodenext" | "bundler", ...more: string[]) => {
    const options = {
      target: "ES2023",
      lib: ["ES2023"],
      module: module === "nodenext" ? "nodenext" : "esnext",
      moduleResolution: module,
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      // Declarations of other packages are not ours to mend.
      skipLibCheck: true,
      moduleDetection: "force",
      rootDir: "src",
      outDir: "out",
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["src"] }));
    const tsc = join(folder, "node_modules", compiler, "bin/tsc");
    return run(process.execPath, [tsc, "--pretty", "false", ...more], { cwd: folder, timeout: WAIT_MS }).then(
      ({ stdout }) => stdout,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => `failed: ${stdout}${stderr}`,
    );
  };
  /** Compiled once for all programs, until a file changes. */
  let built: Promise<string> | undefined;
  return {
    check: (compiler, module) => compile(compiler, module, "--noEmit"),
    async runProgram(name, env, node = process.execPath) {
      built ??= compile("typescript", "nodenext");
      const said = await built;
      if (said) throw new Error(said);
      const { stdout } = await run(node, [join("out", `${name}.js`)], {
        cwd: folder,
        env: { PATH: process.env.PATH ?? "", ...env },
        timeout: WAIT_MS,
      });
      return stdout;
    },
    write(path, text) {
      built = undefined;
      mkdirSync(join(folder, "src", path, ".."), { recursive: true });
      writeFileSync(join(folder, "src", path), text);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The version of each of these that the repository has. */
export function versionsHere(names: string[]): Record<string, string> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const version = (name: string) =>
    (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
  return Object.fromEntries(names.map((name) => [name, version(name)]));
}
