/** The command line of the local stack: help, mistakes of one line with the right exit code, and nothing lost or made by them. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { freePort } from "../support/stores/port.ts";
import { MAIN, runProgram } from "./program.ts";

const SCRIPTS = fileURLToPath(new URL("../../scripts", import.meta.url));
/** The program as a project has it. */
const INSTALLED = fileURLToPath(new URL("../../packages/local/bin.cjs", import.meta.url));

let dir: string;
let data: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-commands-"));
  data = join(dir, "data");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(...words: string[]): Promise<{ code: number | null; said: string }> {
  const { exited, output } = runProgram({ TENURE_DATA_DIR: data, PORT: String(await freePort()) }, ...words);
  return { code: await exited, said: output() };
}

function shell(script: string): Promise<{ code: number | null; said: string }> {
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, said })));
}

const NAMES = ["start", "reset", "doctor", "thread", "generation", "schemas"];

it("prints help for all and for each, and does nothing else", async () => {
  mkdirSync(data);
  writeFileSync(join(data, "redis.jsonl"), "");
  for (const words of [["--help"], ["help"]]) {
    const { code, said } = await run(...words);
    expect(code).toBe(0);
    for (const name of NAMES) expect(said).toMatch(new RegExp(`^  npm (run )?${name}\\b`, "m"));
  }
  for (const name of NAMES) {
    const { code, said } = await run(name, "--help");
    expect([code, said]).toEqual([0, expect.stringMatching(/^npm /)]);
  }
  expect(readdirSync(data)).toEqual(["redis.jsonl"]);
});

it.each([
  ["an unknown command", ["remove"], /^tenure: there is no command remove: there are start, .*--help\n$/],
  ["a name that all objects have", ["constructor"], /^tenure: there is no command constructor: .*\n$/],
  ["an unknown flag", ["reset", "--force"], /^tenure: npm run reset does not take --force: see --help\n$/],
  ["a word too many", ["thread", "a", "b"], /^tenure: npm run thread -- <id> does not take b: see --help\n$/],
  ["a word too few", ["thread"], /^tenure: name a thread: npm run thread -- <id>\n$/],
  ["a list of none", ["schemas"], /^tenure: name a graph: npm run schemas -- .*\n$/],
] as const)("refuses %s in one line, with exit code 2", async (_, words, line) => {
  expect(await run(...words)).toEqual({ code: 2, said: expect.stringMatching(line) });
  expect(existsSync(data)).toBe(false);
});

it("removes nothing unasked where nobody can be asked", async () => {
  mkdirSync(data);
  writeFileSync(join(data, "pepper"), "kept");
  const { code, said } = await run("reset");
  expect([code, said]).toEqual([
    2,
    expect.stringMatching(/^tenure: .*data stays: npm run reset -- --yes removes it\n$/),
  ]);
  expect(existsSync(join(data, "pepper"))).toBe(true);
  expect((await run("reset", "--yes")).code).toBe(0);
  expect(existsSync(data)).toBe(false);
});

it("makes no data for a question about it", async () => {
  for (const words of [["thread", "no-such-thread"], ["generation"]]) {
    const { code, said } = await run(...words);
    expect([code, said]).toEqual([1, expect.stringMatching(/^tenure: .*data is not there: .*\n$/)]);
    expect(existsSync(data)).toBe(false);
  }
});

it("does not start with a model whose key is missing", async () => {
  const env = {
    TENURE_DATA_DIR: data,
    PORT: String(await freePort()),
    TENURE_MODEL: "openai:gpt-5-mini",
    OPENAI_API_KEY: "",
  };
  const { exited, output } = runProgram(env);
  expect([await exited, output()]).toEqual([
    1,
    "tenure: TENURE_MODEL=openai:gpt-5-mini needs OPENAI_API_KEY: set it as well\n",
  ]);
});

it("says in one line that it may open too few files, whichever way it is started", async () => {
  const line = expect.stringMatching(/^.*\bulimit -n 1024\b.*\n$/);
  const run = async (script: string) =>
    shell(`ulimit -n 64; TENURE_DATA_DIR=${data} PORT=${await freePort()} exec node ${script}`);
  for (const script of [`${SCRIPTS}/run.cjs doctor`, `${SCRIPTS}/check-node.cjs`, `${INSTALLED} dev`]) {
    const { code, said } = await run(script);
    expect([script, code, said]).toEqual([script, 1, line]);
  }
  // Past the check: Node.js 20 reads more modules at once than so few files allow, and later versions do not.
  const { code, said } = await run(`${MAIN} doctor`);
  if (code !== 0) expect([code, said]).toEqual([1, line]);
});

it("says in one line that Node.js is too old, before it reads what that does not know", async () => {
  const old = "Object.defineProperty(process.versions, 'node', { value: '18.20.0' });";
  for (const program of [`${SCRIPTS}/run.cjs`, INSTALLED]) {
    const { code, said } = await shell(`node -e "${old} require('${program}')"`);
    expect([code, said]).toEqual([1, expect.stringMatching(/^Tenure needs Node\.js 20\.19 or later; this is .*\n$/)]);
  }
});
