/** The data directory of `npm start`: which can be used, who may read it, and how many use it at once. */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { freePort } from "../support/stores/port.ts";
import { MAIN, runProgram, startProgram } from "./program.ts";

let dir: string;
let data: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-dir-"));
  data = join(dir, "data");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const NOBODY = 65_534;
const isLinux = process.platform === "linux";
/** True when there is another user who can run the program. */
const canBeNobody = () =>
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, ["--eval", `fs.accessSync(${JSON.stringify(MAIN)})`], { uid: NOBODY }).status === 0;
const env = (path: string) => ({ TENURE_DATA_DIR: path });

async function refusal(path: string, options: { uid?: number } = {}): Promise<string> {
  const { output, exited } = runProgram({ PORT: String(await freePort()), ...env(path) }, options);
  expect(await exited).toBe(1);
  expect(output().trim().split("\n")).toHaveLength(1);
  return output().trim();
}

describe("a data directory that cannot be used", () => {
  it.runIf(isLinux)("is refused at once in /proc, where none can be made", async () => {
    expect(await refusal("/proc/x")).toMatch(/^tenure: \/proc\/x cannot be written \(ENOENT\): .*TENURE_DATA_DIR$/);
  });

  it.runIf(canBeNobody())("is refused to another user", async () => {
    mkdirSync(data, { mode: 0o755 });
    chmodSync(dir, 0o755);
    expect(await refusal(data, { uid: NOBODY })).toMatch(
      /^tenure: .* cannot be written \(EACCES\): change its owner or mode/,
    );
    await (await stopped()).exited;
    expect(await refusal(data, { uid: NOBODY })).toMatch(/^tenure: .* cannot be written \(EACCES\)/);
  });
});

async function stopped() {
  const stack = await startProgram(env(data));
  stack.child.kill("SIGTERM");
  await stack.exited;
  return stack;
}

const modes = (path: string) =>
  Object.fromEntries(
    ["", ...readdirSync(path, { recursive: true, encoding: "utf8" })].map((name) => [
      name,
      (statSync(join(path, name)).mode & 0o777).toString(8),
    ]),
  );

describe("what the stack keeps", () => {
  it("is its owner's alone, also where it was open to others before", async () => {
    await stopped();
    const expected = modes(data);
    expect(expected).toEqual({
      ...{ "": "700", dynamo: "700" },
      ...{ "redis.jsonl": "600", "dynamo/items.jsonl": "600", "dynamo/ttl.json": "600", pepper: "600" },
    });
    for (const [name, mode] of Object.entries(expected)) chmodSync(join(data, name), mode === "700" ? 0o755 : 0o644);
    await stopped();
    expect(modes(data)).toEqual(expected);
  });

  it("is so in a folder that is not Tenure's alone, whose own mode stays", async () => {
    mkdirSync(data, { mode: 0o755 });
    writeFileSync(join(data, "notes.txt"), "mine", { mode: 0o644 });
    await stopped();
    expect(modes(data)).toMatchObject({
      "": "755",
      "notes.txt": "644",
      dynamo: "700",
      "redis.jsonl": "600",
      pepper: "600",
    });
  });

  it("can be behind a relative path or a link, and reset leaves the link", async () => {
    mkdirSync(join(dir, "elsewhere"));
    symlinkSync(join(dir, "elsewhere"), data);
    const stack = await startProgram(env("data"), { cwd: dir });
    expect(stack.output()).toContain(join(data, "redis.jsonl"));
    stack.child.kill("SIGTERM");
    await stack.exited;
    const reset = runProgram(env(data), "reset", "--yes");
    expect([await reset.exited, reset.output()]).toEqual([0, expect.stringMatching(/^removed /)]);
    expect(readdirSync(data)).toEqual([]);
  });
});

describe("the lock", () => {
  it("lets one of several that start at once in, again and again after kills", async () => {
    for (let round = 0; round < sized(1, 4); round++) {
      const ports = await Promise.all([freePort(), freePort(), freePort()]);
      const stacks = ports.map((port) => runProgram({ PORT: String(port), ...env(data) }));
      const isOver = (text: string) => text.includes("Ctrl-C stops it") || text.includes("is in use by process");
      await expect.poll(() => stacks.filter(({ output }) => isOver(output())).length).toBe(3);
      const running = stacks.filter(({ output }) => output().includes("Ctrl-C stops it"));
      expect(running).toHaveLength(1);
      running[0]?.child.kill("SIGKILL");
      await Promise.all(stacks.map(({ exited }) => exited));
      expect(readdirSync(data)).toContain("lock");
    }
  });

  it.runIf(isLinux)("is not held by a later process of the same number", async () => {
    const other = spawn(process.execPath, ["--eval", "process.stdin.resume()"]);
    mkdirSync(data);
    writeFileSync(join(data, "lock"), `${other.pid} 1`);
    await stopped();
    const start = readFileSync(`/proc/${other.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19];
    writeFileSync(join(data, "lock"), `${other.pid} ${start}`);
    expect(await refusal(data)).toContain(`is in use by process ${other.pid}`);
    other.kill();
  });
});
