/** The application that a program serves: the module that `TENURE_APP` names, `src/app.ts` of this folder, or the repository's graphs. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { TenureError } from "@tenure/core/errors";
import { type App, appProblems } from "@tenure/functions/app";

const PLACES = ["src/app.ts", "src/app.js"];

/** The path of the application's module; undefined in a folder that has none. Throws `misconfigured` when the named one is not there. */
export function findApp(env: Record<string, string | undefined>, folder = process.cwd()): string | undefined {
  const named = env.TENURE_APP?.trim();
  if (!named) return PLACES.map((place) => resolve(folder, place)).find((path) => existsSync(path));
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
