/** Directories that cannot be used are told in one line, with what mends it. test/local/data-dir.test.ts has the program. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTenureError } from "@tenure/core/errors";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDataDir } from "./data-dir.ts";

let dir: string;
let data: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-dir-"));
  data = join(dir, "data");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function fileForItems(): void {
  mkdirSync(data);
  writeFileSync(join(data, "dynamo"), "");
}

describe("a data directory that cannot be used", () => {
  it.each<[string, () => void, string, string?]>([
    ["a file", () => writeFileSync(data, "mine"), "EEXIST"],
    ["below a file", () => writeFileSync(data, "mine"), "ENOTDIR", "below"],
    ["a link to nothing", () => symlinkSync(join(dir, "nothing"), data), "ENOENT"],
    ["a link to itself", () => symlinkSync(data, data), "ELOOP"],
    ["a name that is too long", () => {}, "ENAMETOOLONG", "x".repeat(300)],
    ["a folder in the place of the lock", () => mkdirSync(join(data, "lock"), { recursive: true }), "EISDIR"],
    ["a folder in the place of the pepper", () => mkdirSync(join(data, "pepper"), { recursive: true }), "EISDIR"],
    ["a file in the place of the items", fileForItems, "EEXIST"],
  ])("is refused in one line: %s", (_, make, code, below = "") => {
    make();
    const path = join(data, below);
    try {
      openDataDir(path).release();
    } catch (error) {
      if (!isTenureError(error, "misconfigured")) throw error;
      expect(error.reason.problems).toHaveLength(1);
      expect(error.reason.problems[0]).toMatch(
        new RegExp(`^${path} cannot be written \\(${code}\\): .*, or set TENURE_DATA_DIR$`),
      );
      return;
    }
    expect.unreachable();
  });

  it("is one that this process uses", () => {
    const first = openDataDir(data);
    expect(() => openDataDir(data)).toThrow(`in use by process ${process.pid}`);
    first.release();
    openDataDir(data).release();
  });

  it.runIf(process.platform === "linux")(
    "is one that another thread of this process uses, and none of an earlier process with its number",
    () => {
      const first = openDataDir(data);
      const lock = readFileSync(join(data, "lock"), "utf8");
      first.release();
      // As this thread finds it that has not taken it.
      writeFileSync(join(data, "lock"), lock);
      expect(() => openDataDir(data)).toThrow(`in use by process ${process.pid}`);
      writeFileSync(join(data, "lock"), `${process.pid} 1`);
      openDataDir(data).release();
    },
  );
});
