/** The built program on a disk that is full, killed in the middle of writes, and on damaged data. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { freePort } from "../support/stores/port.ts";
import { type Api, apiOf, logIn, runProgram, startProgram } from "./program.ts";

let dir: string;
let data: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-crash-"));
  data = join(dir, "data");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const start = (...flags: string[]) => startProgram({ TENURE_DATA_DIR: data, TENURE_LIMITS: "off" }, ...flags);

const put = (api: Api, key: string, size: number) =>
  api("/store/items", {
    method: "PUT",
    body: JSON.stringify({ namespace: ["n"], key, value: { text: key.padEnd(size) } }),
  });
/** True when an item is there, whole. */
const isThere = async (api: Api, key: string) => {
  const answer = await api(`/store/items?namespace=n&key=${key}`);
  expect(answer.status).toBe(200);
  const item = (await answer.json()) as { value: { text: string } } | null;
  if (item) expect(item.value.text.trimEnd()).toBe(key);
  return item !== null;
};

/** A small disk at `path`, where one may make one. */
function mount(path: string, size: string): boolean {
  mkdirSync(path);
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]).status === 0;
}
const canMount = (() => {
  const path = mkdtempSync(join(tmpdir(), "tenure-mount-"));
  const can = mount(join(path, "disk"), "64k");
  if (can) spawnSync("umount", ["-l", join(path, "disk")]);
  rmSync(path, { recursive: true });
  return can;
})();

describe("a full disk", () => {
  it.runIf(canMount)(
    "is 503; the process lives, and goes on when there is room; what was acknowledged is there and what was refused is not",
    async () => {
      expect(mount(data, "2m")).toBe(true);
      const ballast = join(data, "ballast");
      try {
        let stack = await start();
        const token = await logIn(stack.url, stack.output);
        const second = await logIn(stack.url, stack.output);
        let api = apiOf(stack.url, token);
        expect((await put(api, "before", 1000)).status).toBeLessThan(300);
        // Whatever the disk takes, to the last byte.
        spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=512"]);
        const taken: string[] = [];
        const refused: string[] = [];
        for (const size of [9_000, 5_000, 9_000, 1, 9_000])
          for (let i = 0; i < 3; i++) {
            const key = `full-${size}-${taken.length + refused.length}`;
            const { status } = await put(api, key, size);
            (status < 300 ? taken : refused).push(key);
            if (status >= 300) expect(status).toBe(503);
          }
        expect(refused.length).toBeGreaterThan(5);
        let status = 200;
        for (let i = 0; status !== 503 && i < 500; i++)
          status = (await api("/auth/code", { method: "POST", body: JSON.stringify({ email: `u${i}@example.com` }) }))
            .status;
        expect(status).toBe(503);
        const logout = (await apiOf(stack.url, second)("/auth/logout", { method: "POST" })).status;
        expect([204, 503]).toContain(logout);
        expect((await fetch(`${stack.url}/api/ok`)).status).toBe(200);
        expect(stack.output()).toMatch(/cannot be written \(ENOSPC\): writes are refused/);
        rmSync(ballast);
        expect((await api("/auth/session")).status).toBe(200);
        for (const key of [...taken, "before"]) expect(await isThere(api, key), key).toBe(true);
        for (const key of refused) expect(await isThere(api, key), key).toBe(false);
        expect((await put(api, "after", 1000)).status).toBeLessThan(300);
        expect(stack.output()).toContain("can be written again");
        stack.child.kill("SIGKILL");
        await stack.exited;
        stack = await start();
        api = apiOf(stack.url, token);
        expect((await apiOf(stack.url, second)("/auth/session")).status).toBe(logout === 204 ? 401 : 200);
        for (const key of [...taken, "before", "after"]) expect(await isThere(api, key), key).toBe(true);
        for (const key of refused) expect(await isThere(api, key), key).toBe(false);
        expect((await api("/auth/logout", { method: "POST" })).status).toBe(204);
        stack.child.kill("SIGKILL");
        await stack.exited;
      } finally {
        spawnSync("umount", ["-l", data]);
      }
    },
  );
});

describe("a kill", () => {
  it("loses nothing acknowledged, and leaves nothing half, in the middle of writes of both stores", async () => {
    let stack = await start();
    const token = await logIn(stack.url, stack.output);
    const acknowledged: string[] = [];
    for (let round = 0; round < sized(2, 6); round++) {
      const api = apiOf(stack.url, token);
      for (const key of acknowledged) expect(await isThere(api, key), key).toBe(true);
      const { body } = await api("/auth/session");
      await body?.cancel();
      const enough = acknowledged.length + 20 + round * 7;
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; ; i++) {
          const key = `${round}-${writer}-${i}`;
          const answer = await put(api, key, 500).catch(() => undefined);
          if (!answer) return;
          if (answer.status < 300 && acknowledged.push(key) === enough) stack.child.kill("SIGKILL");
        }
      });
      await Promise.all([...writers, stack.exited]);
      stack = await start();
    }
    const api = apiOf(stack.url, token);
    expect((await api("/auth/session")).status).toBe(200);
    for (const key of acknowledged) expect(await isThere(api, key), key).toBe(true);
  });
});

describe("damaged data", () => {
  it("stops the start in one line; without the damage, a session that was logged out stays so", async () => {
    let stack = await start();
    const token = await logIn(stack.url, stack.output);
    const other = await logIn(stack.url, stack.output);
    expect((await apiOf(stack.url, token)("/auth/logout", { method: "POST" })).status).toBe(204);
    const journal = join(data, "redis.jsonl");
    const logout = readFileSync(journal, "utf8").trimEnd().split("\n").length;
    const later = await logIn(stack.url, stack.output);
    expect((await put(apiOf(stack.url, later), "kept", 1)).status).toBe(204);
    // A clean stop would rewrite nothing either, but it may write after the logout.
    stack.child.kill("SIGKILL");
    await stack.exited;

    const lines = readFileSync(journal, "utf8").split("\n");
    const at = logout - 1;
    const damaged = lines.with(at, `${lines[at]}`.replace(/.$/, "?")).join("\n");
    writeFileSync(journal, damaged);
    for (const words of [[], ["thread", "x"]]) {
      const { output, exited } = runProgram({ PORT: String(await freePort()), TENURE_DATA_DIR: data }, ...words);
      expect([await exited, output().trim().split("\n")]).toEqual([1, [expect.any(String)]]);
      // The question reads the checkpoints alone, and finds none of that thread.
      if (words.length === 0)
        expect(output()).toMatch(/redis\.jsonl is damaged: line \d+ .*--skip-damage.*npm run reset/);
    }
    expect(readFileSync(journal, "utf8")).toBe(damaged);

    stack = await start("--skip-damage");
    expect(stack.output()).toMatch(/redis\.jsonl is damaged and was read without: line \d+/);
    expect(stack.output()).toMatch(/\d+ keys of before that are gone too/);
    const statusOf = async (one: string) => (await apiOf(stack.url, one)("/auth/session")).status;
    expect(await Promise.all([token, other, later].map(statusOf))).toEqual([401, 401, 200]);
    expect(await isThere(apiOf(stack.url, later), "kept")).toBe(true);
    expect(readFileSync(`${journal}.damaged`, "utf8")).toBe(damaged);
    stack.child.kill("SIGTERM");
    await stack.exited;
    stack = await start();
    expect(await Promise.all([token, other, later].map(statusOf))).toEqual([401, 401, 200]);
  });

  it("of the items is a stop too, and never an empty answer", async () => {
    const stack = await start();
    const token = await logIn(stack.url, stack.output);
    expect((await put(apiOf(stack.url, token), "one", 1)).status).toBe(204);
    stack.child.kill("SIGKILL");
    await stack.exited;
    const journal = join(data, "dynamo", "items.jsonl");
    const bytes = readFileSync(journal);
    bytes[bytes.length >> 1] = 0;
    writeFileSync(journal, bytes);
    for (const words of [[], ["thread", "x"]]) {
      const { output, exited } = runProgram({ PORT: String(await freePort()), TENURE_DATA_DIR: data }, ...words);
      expect([await exited, output().trim().split("\n")]).toEqual([
        1,
        [expect.stringMatching(/items\.jsonl is damaged: line \d+ /)],
      ]);
    }
  });

  it("is not to be skipped by a flag that is none", async () => {
    const { output, exited } = runProgram({ TENURE_DATA_DIR: data }, "--skip");
    expect([await exited, output().trim()]).toEqual([2, "tenure: npm start does not take --skip: see --help"]);
  });
});
