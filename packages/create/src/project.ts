/** The new project: the template's files with the project's name in them. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

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
  return `${name || path} cannot be a project's name: use 2 to 30 lower case letters, digits and hyphens, beginning with a letter`;
}

/** Writes the project. Throws, in one line, where the folder has something in it or cannot be written; then nothing is changed. */
export function writeProject(template: string, path: string): void {
  if (existsSync(path) && !statSync(path).isDirectory()) throw new Error(`${path} is a file: name another folder`);
  if (existsSync(path) && readdirSync(path).length > 0) throw new Error(`${path} is not empty: name another folder`);
  const name = basename(path);
  try {
    mkdirSync(path, { recursive: true });
    cpSync(template, path, { recursive: true });
    for (const [from, to] of Object.entries(RENAMED))
      if (existsSync(join(path, from))) renameSync(join(path, from), join(path, to));
    for (const file of ["package.json", "README.md"]) rename(join(path, file), PLACEHOLDER, name);
    rename(join(path, "sst.config.ts"), 'name: "tenure"', `name: "${name}"`);
  } catch (error) {
    throw new Error(`${path} cannot be written: ${(error as Error).message}`);
  }
}

function rename(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${basename(file)} of the template has no ${from}`);
  writeFileSync(file, text.replaceAll(from, to));
}
