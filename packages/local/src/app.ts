/** The application that a program serves: the module that `TENURE_APP` names, `src/app.ts` of this folder, or in a clone its own graphs. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { TenureError } from "@tenure/core/errors";
import { type App, appProblems } from "@tenure/functions/app";

const PLACES = ["src/app.ts", "src/app.js"];

/** False in a clone of Tenure, whose own files a command may serve and write. */
export const isInstalled = isPackage(import.meta.url);

/** True for a module below `node_modules`. A link there counts as where it leads. */
export function isPackage(url: string): boolean {
  return new URL(url).pathname.split("/").includes("node_modules");
}

/**
 * The path of the application's module; undefined for a clone's own graphs. Throws `misconfigured` when the named one is not there, and
 * in a folder without one when installed: somebody in the wrong folder would be served another application.
 */
export function findApp(
  env: Record<string, string | undefined>,
  folder = process.cwd(),
  needsOne = isInstalled,
): string | undefined {
  const named = env.TENURE_APP?.trim();
  if (!named) {
    const found = PLACES.map((place) => resolve(folder, place)).find((path) => existsSync(path));
    if (found || !needsOne) return found;
    const problem = `${folder} has no src/app.ts: go to the project's folder, or name the application's module by TENURE_APP`;
    throw new TenureError({ tag: "misconfigured", problems: [problem] });
  }
  const path = resolve(folder, named);
  if (existsSync(path)) return path;
  throw new TenureError({
    tag: "misconfigured",
    problems: [`TENURE_APP: ${path} is not there: name the module that exports the application`],
  });
}

/** Lets this process import TypeScript, if it cannot yet: Node.js 20 cannot by itself. */
async function takeTypeScript(): Promise<void> {
  if (process.execArgv.some((arg) => arg.includes("tsx"))) return;
  const { register } = await import("tsx/esm/api");
  register();
}

/** Imports the application. Throws what its modules throw, and `misconfigured` when it is none. */
export async function loadApp(path: string | undefined): Promise<App | undefined> {
  if (path === undefined) return undefined;
  await takeTypeScript();
  const exported = (await import(pathToFileURL(path).href)) as { default?: App };
  const problems = appProblems(exported.default).map((problem) => `${path}: ${problem}`);
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
  return exported.default;
}
