/** `npm start` as a person meets it: what it prints, how it refuses, how it stops. Runs the built program. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isLong } from "../support/runner/size.ts";
import { freePort } from "../support/stores/port.ts";
import { runProgram, startProgram } from "./program.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-start-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const run = (env: Record<string, string>, ...args: string[]) =>
  runProgram({ TENURE_DATA_DIR: join(dir, "data"), ...env }, ...args);
const started = (env: Record<string, string> = {}) => startProgram({ TENURE_DATA_DIR: join(dir, "data"), ...env });

describe("npm start", () => {
  it("prints what it serves and with which engines, and stops though a client goes on listening", async () => {
    const { child, output, exited, url } = await started();
    expect(output()).toMatch(/^Tenure is at http:\/\/localhost:\d+$/m);
    expect(output()).toMatch(/^ +mailbox +http:\/\/localhost:\d+\/dev\/mail$/m);
    expect(output()).toMatch(/^ +redis +embedded engine, data in .*redis\.jsonl$/m);
    expect(output()).toMatch(/^ +dynamodb +dynalite, data in /m);
    expect(output()).toMatch(/^ +model +offline/m);
    expect(await (await fetch(`${url}/api/ok`)).json()).toEqual({ ok: true });
    const client = connect(Number(new URL(url).port), "localhost", () => client.write("GET /api/ok HTTP/1.1\r\n"));
    await once(client, "connect");
    child.kill("SIGINT");
    expect(await exited).toBe(0);
    client.destroy();
    expect(output()).toContain("stopped");
    expect(output()).not.toMatch(/warning|deprecat/i);
  });

  it.each([
    ["throws", 'throw new Error("broken store")', "broken store"],
    ["exits", "process.exit(0)", "the thread of the stores has ended with 0"],
  ])("ends, and says why, when the thread of its stores %s", async (_, fault, told) => {
    const [module, sign] = [join(dir, "broken.mjs"), join(dir, "now")];
    const look = `setInterval(() => { if (existsSync(${JSON.stringify(sign)})) ${fault}; }, 50)`;
    const imports = ['import { existsSync } from "node:fs"', 'import { isMainThread } from "node:worker_threads"'];
    writeFileSync(module, [...imports, `if (!isMainThread) ${look}`].join(";\n"));
    const { output, exited } = await started({ NODE_OPTIONS: `--import=${module}` });
    writeFileSync(sign, "");
    expect(await exited).toBe(1);
    expect(output().match(/"event":"exception-uncaught","error":"[^"]*/g)).toEqual([
      `"event":"exception-uncaught","error":"Error: ${told}`,
    ]);
  });

  it("keeps the session and the thread over a stop in the middle of a run, and over a kill", async () => {
    const env = { PORT: String(await freePort()), TENURE_LIMITS: "off" };
    let stack = await started(env);
    const api = `${stack.url}/api`;
    const post = (path: string, body: object, headers = {}) =>
      fetch(api + path, { method: "POST", headers, body: JSON.stringify(body) });
    const { challenge } = (await (await post("/auth/code", { email: "a@example.com" })).json()) as {
      challenge: string;
    };
    expect(stack.output()).toMatch(/^code for a@example\.com: \d{6}$/m);
    const code = /code for a@example\.com: (\d{6})/.exec(stack.output())?.[1];
    const { token } = (await (await post("/auth/verify", { challenge, code })).json()) as { token: string };
    const headers = { Authorization: `Bearer ${token}` };
    const { thread_id } = (await (await post("/threads", {}, headers)).json()) as { thread_id: string };
    const ask = (content: string) =>
      post(
        `/threads/${thread_id}/runs/stream`,
        { assistant_id: "agent", input: { messages: [{ role: "user", content }] } },
        headers,
      );
    const contents = async () => {
      const state = await (await fetch(`${api}/threads/${thread_id}/state`, { headers })).json();
      return (state as { values: { messages: { type: string; content: string }[] } }).values.messages;
    };
    await (await ask("first")).text();
    expect(await contents()).toHaveLength(2);

    for (const signal of isLong ? (["SIGTERM", "SIGKILL", "SIGINT"] as const) : (["SIGKILL"] as const)) {
      const unfinished = await ask(`before ${signal}`);
      await unfinished.body?.getReader().read();
      const acknowledged = (await contents()).length;
      stack.child.kill(signal);
      await stack.exited;
      stack = await started(env);
      expect((await contents()).length).toBeGreaterThanOrEqual(acknowledged);
      expect((await fetch(`${api}/auth/session`, { headers })).status).toBe(200);
    }
    expect((await post("/auth/logout", {}, headers)).status).toBe(204);
    stack.child.kill("SIGKILL");
    await stack.exited;
    stack = await started(env);
    expect((await fetch(`${api}/auth/session`, { headers })).status).toBe(401);
    stack.child.kill("SIGINT");
    await stack.exited;
  });

  it.each([
    [{ PORT: "http" }, 'tenure: PORT must be a number from 1 to 65535, not "http"'],
    [{ PORT: "70000" }, 'tenure: PORT must be a number from 1 to 65535, not "70000"'],
    [{ TENURE_LIMITS: "none" }, 'tenure: TENURE_LIMITS must be on or off, not "none"'],
    [{ TENURE_COOKIE: "x" }, 'tenure: TENURE_COOKIE must be host or plain, not "x"'],
    [{ TENURE_REDIS_URL: "6379" }, "tenure: TENURE_REDIS_URL must be a URL like redis://127.0.0.1:6379"],
    [{ TENURE_REDIS_URL: "redis://127.0.0.1:1" }, "tenure: TENURE_REDIS_URL: 127.0.0.1:1 does not answer"],
    [
      { TENURE_DYNAMODB_ENDPOINT: "ftp://x" },
      "tenure: TENURE_DYNAMODB_ENDPOINT must be a URL like http://127.0.0.1:8000",
    ],
    [
      { TENURE_DYNAMODB_ENDPOINT: "http://127.0.0.1:1" },
      "tenure: TENURE_DYNAMODB_ENDPOINT: 127.0.0.1:1 does not answer",
    ],
    [{ TENURE_MODEL: "gpt" }, 'tenure: TENURE_MODEL must be provider:model, like openai:gpt-5-mini, not "gpt"'],
    [{ TENURE_MODEL: "nobody:x" }, "tenure: TENURE_MODEL=nobody:x cannot be used"],
  ])("refuses %j in one line, with exit code 1", async (env, line) => {
    const { output, exited } = run({ PORT: String(await freePort()), ...env });
    expect(await exited).toBe(1);
    expect(output().trim().split("\n")).toEqual([expect.stringContaining(line)]);
  });

  it("names every mistake at once, and warns of a setting that is none", async () => {
    const { output, exited } = run({ PORT: "x", TENURE_LIMITS: "y", TENURE_REDISURL: "z" });
    expect(await exited).toBe(1);
    expect(
      output()
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[1]),
    ).toEqual(["TENURE_REDISURL", "PORT", "TENURE_LIMITS"]);
  });

  it("says which port is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const { output, exited } = run({ PORT: String(port) });
    expect(await exited).toBe(1);
    expect(output().trim()).toBe(`tenure: port ${port} is taken: stop what uses it, or set PORT to another one`);
    server.close();
  });

  it("says that its data cannot be written", async () => {
    writeFileSync(join(dir, "file"), "");
    const { output, exited } = run({ TENURE_DATA_DIR: join(dir, "file", "data") });
    expect(await exited).toBe(1);
    expect(output().trim()).toMatch(/^tenure: .* cannot be written \(ENOTDIR\): .*TENURE_DATA_DIR$/);
  });

  it("prints what a thread takes up, and says what it needs to know", async () => {
    const unnamed = run({}, "thread");
    expect(await unnamed.exited).toBe(2);
    expect(unnamed.output()).toContain("npm run thread -- <id>");
    mkdirSync(join(dir, "data"));
    const unknown = run({}, "thread", "no-such-thread");
    expect(await unknown.exited).toBe(1);
    expect(unknown.output()).toContain("thread no-such-thread has no checkpoints here");
  });

  it("does not share its data with a second one, and reset removes it when it has stopped", async () => {
    const first = await started();
    const second = run({ PORT: String(await freePort()) });
    expect(await second.exited).toBe(1);
    expect(second.output()).toMatch(new RegExp(`^tenure: .* is in use by process ${first.child.pid}:`));
    const early = run({}, "reset", "--yes");
    expect(await early.exited).toBe(1);
    first.child.kill("SIGTERM");
    await first.exited;
    const reset = run({}, "reset", "--yes");
    expect([await reset.exited, reset.output()]).toEqual([0, expect.stringMatching(/^removed /)]);
    const again = run({}, "reset", "--yes");
    expect([await again.exited, again.output()]).toEqual([0, expect.stringContaining("nothing to remove")]);
  });

  it("does not take a redis-server's address for one where something else answers or nothing does, nor shows its password", async () => {
    const answers = [
      ["HTTP/1.1 400 Bad Request\r\n\r\n", /^tenure: .* not RESP2\).*$/],
      ["", /^tenure: .* does not answer \(no answer within 5000 ms\).*$/],
    ] as const;
    for (const [answer, told] of answers) {
      const other = createServer((socket) => answer && socket.end(answer));
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      const { port } = other.address() as { port: number };
      const refused = run({ PORT: String(await freePort()), TENURE_REDIS_URL: `redis://127.0.0.1:${port}` });
      expect([await refused.exited, refused.output().trim()]).toEqual([1, expect.stringMatching(told)]);
      other.close();
    }
    const secret = run({ PORT: "3000", TENURE_REDIS_URL: "rediss://u:SECRET@h:1" });
    expect([await secret.exited, secret.output()]).toEqual([1, expect.not.stringContaining("SECRET")]);
  });

  it("makes nothing of a pepper that is too short", async () => {
    mkdirSync(join(dir, "data"));
    writeFileSync(join(dir, "data", "pepper"), "");
    const { output, exited } = run({ PORT: String(await freePort()) });
    expect([await exited, output().trim()]).toEqual([
      1,
      expect.stringMatching(/^tenure: the pepper must have at least 32/),
    ]);
  });

  it("resets nothing that is not Tenure's, and takes no other program's number for its own", async () => {
    mkdirSync(join(dir, "data"));
    writeFileSync(join(dir, "data", "notes.txt"), "mine");
    const refused = run({}, "reset", "--yes");
    expect([await refused.exited, refused.output()]).toEqual([1, expect.stringContaining("holds notes.txt")]);
    expect(readFileSync(join(dir, "data", "notes.txt"), "utf8")).toBe("mine");
    rmSync(join(dir, "data", "notes.txt"));
    // `cat` waits for its input, which never comes.
    const sleeper = spawn("cat");
    writeFileSync(join(dir, "data", "lock"), String(sleeper.pid));
    const reset = run({}, "reset", "--yes");
    expect([await reset.exited, reset.output()]).toEqual([0, expect.stringMatching(/^removed /)]);
    sleeper.kill();
  });
});
