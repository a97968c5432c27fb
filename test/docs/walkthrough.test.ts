/**
 * docs/walkthrough.md, typed as it stands: every `$` line of a console block runs, and what it prints must be
 * what the block shows. `npm start` runs what that script runs after the build, on a port of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../support/stores/port.ts";
import { pattern, steps } from "./transcript.ts";

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const MARK = "end-of-command";

let dir: string;
let port: number;
let shell: ChildProcess;
let server: ChildProcess | undefined;
let printed = "";
let served = "";

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "tenure-walk-"));
  port = await freePort();
  shell = spawn("bash", [], { cwd: dir, stdio: ["pipe", "pipe", "pipe"] });
  for (const stream of [shell.stdout, shell.stderr]) stream?.on("data", (chunk) => (printed += chunk));
});
afterAll(() => {
  shell.kill();
  server?.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

async function perform(command: string): Promise<string> {
  if (command === "npm start") {
    served = "";
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TENURE_")));
    server = spawn(process.execPath, [path("packages/local/dist/main.js")], {
      env: { ...env, PORT: String(port), TENURE_DATA_DIR: join(dir, "data") },
    });
    for (const stream of [server.stdout, server.stderr]) stream?.on("data", (chunk) => (served += chunk));
    await expect.poll(() => served).toContain("Ctrl-C stops it");
    return served;
  }
  if (command === "^C") {
    served = "";
    const closed = new Promise((resolve) => server?.once("close", resolve));
    server?.kill("SIGINT");
    await closed;
    return served;
  }
  printed = "";
  shell.stdin?.write(`${command.replaceAll("localhost:3000", `localhost:${port}`)}\necho ${MARK}\n`);
  await expect.poll(() => printed).toContain(`${MARK}\n`);
  return printed.replace(`${MARK}\n`, "");
}

it("goes as written", async () => {
  const all = steps(readFileSync(path("docs/walkthrough.md"), "utf8"));
  expect(all.length).toBeGreaterThan(20);
  for (const { line, command, expected } of all) {
    // curl ends its output without a line break.
    const actual = (await perform(command)).replaceAll(`localhost:${port}`, "localhost:3000").trimEnd();
    if (!pattern(expected).test(actual)) expect(`line ${line}: ${actual}`).toBe(`line ${line}: ${expected.trimEnd()}`);
  }
});
