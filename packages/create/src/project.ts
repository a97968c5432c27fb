/** The new project: the template's files with the project's name in them. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * A name that npm, SST and AWS take: SST makes the names of resources of it, which have at most 64 characters with the stage and the
 * resource's own.
 */
const NAME = /^[a-z][a-z0-9-]{0,28}[a-z0-9]$/;
/** The name that the template's files have. */
const PLACEHOLDER = "my-app";
/** Names that npm would not pack as they are. */
const RENAMED = { gitignore: ".gitignore", npmrc: ".npmrc" };

/** Says in one line why the last part of a path is no project's name; undefined when it is one. */
export function nameProblem(path: string): string | undefined {
  const name = basename(path);
  if (NAME.test(name)) return undefined;
  // A name may have line ends, and what a terminal obeys.
  const shown = /\p{Cc}/u.test(name) ? JSON.stringify(name) : name || path;
  return `${shown} cannot be a project's name: use 2 to 30 lower case letters, digits and hyphens, beginning with a letter`;
}

/** Writes the project. Throws, in one line, where the folder has something in it or cannot be written; then nothing is changed. */
export function writeProject(template: string, path: string): void {
  if (existsSync(path) && !statSync(path).isDirectory()) throw new Error(`${path} is a file: name another folder`);
  if (existsSync(path) && readdirSync(path).length > 0) throw new Error(`${path} is not empty: name another folder`);
  const name = basename(path);
  const made: string[] = [];
  try {
    makeFolder(path, made);
    cpSync(template, path, { recursive: true });
    for (const [from, to] of Object.entries(RENAMED))
      if (existsSync(join(path, from))) renameSync(join(path, from), join(path, to));
    for (const file of ["package.json", "README.md"]) rename(join(path, file), PLACEHOLDER, name);
    rename(join(path, "sst.config.ts"), 'name: "tenure"', `name: "${name}"`);
  } catch (error) {
    const [first] = made;
    if (first) rmSync(first, { recursive: true, force: true });
    else if (existsSync(path)) for (const entry of readdirSync(path)) rmSync(join(path, entry), { recursive: true });
    throw new Error(`${path} cannot be written: mend that, or name another folder (${(error as Error).message})`);
  }
}

/** Makes a folder and those above it, each in its turn: Node.js' own way to make all of them never returns in a file system that takes none, as /proc. */
function makeFolder(path: string, made: string[]): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    mkdirSync(folder);
    made.push(folder);
  }
}

function rename(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${basename(file)} of the template has no ${from}`);
  writeFileSync(file, text.replaceAll(from, to));
}
