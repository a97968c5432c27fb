/**
 * `npx @tenure/create my-app`: writes a small project into a new folder. It installs nothing and asks nothing. Exit codes: 0, 1 where
 * the folder cannot be written, 2 for a command line that cannot be understood; a mistake is one line on stderr.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nameProblem, writeProject } from "./project.ts";

const TEMPLATE = fileURLToPath(new URL("../template", import.meta.url));

const HELP = [
  "npx @tenure/create <folder>",
  "  Makes a project in a new or empty folder: an agent with a tool, sessions, tests, and a deployment to AWS by SST.",
  "  The folder's name is the project's: lower case letters, digits and hyphens, beginning with a letter.",
  "",
  "npx @tenure/create --help",
  "  Prints this.",
];

const NEXT = (folder: string) => [
  `Made ${folder}. Now:`,
  "",
  `  cd ${folder}`,
  "  npm install",
  "  npm run dev       serves it at http://localhost:3000, and follows your changes",
  "  npm test          compiles it, and asks the agent over HTTP",
  "",
  "README.md in it says what is where, and how it is deployed.",
];

type Outcome = { lines: string[] } | { problem: string; code: number };

/** Does what a command line asks for. */
function run(args: string[]): Outcome {
  const misused = (problem: string) => ({ problem, code: 2 });
  let words: string[];
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
    if (values.help) return { lines: HELP };
    words = positionals;
  } catch (error) {
    const [, unknown = "that"] = /'([^']+)'/.exec((error as Error).message) ?? [];
    if ((error as NodeJS.ErrnoException).code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE")
      return misused(`${unknown} takes no value: see --help`);
    return misused(`it does not take ${unknown}: see --help`);
  }
  const [folder, extra] = words;
  if (!folder) return misused("name a folder, as in npx @tenure/create my-app");
  if (extra !== undefined) return misused(`it makes one project, and does not take ${extra}`);
  const path = resolve(folder);
  const problem = nameProblem(path);
  if (problem) return misused(problem);
  try {
    writeProject(TEMPLATE, path);
    return { lines: NEXT(folder) };
  } catch (error) {
    return { problem: (error as Error).message, code: 1 };
  }
}

const outcome = run(process.argv.slice(2));
if ("lines" in outcome) process.stdout.write(`${outcome.lines.join("\n")}\n`);
else {
  process.stderr.write(`create: ${outcome.problem}\n`);
  process.exitCode = outcome.code;
}
