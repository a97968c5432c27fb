/** The release refuses what would not install: each check of it sees a planted fault. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../docs/markdown.ts";
import { WAIT_MS } from "../support/runner/size.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "release-"));
  cpSync(join(ROOT, "packages/http"), folder, { recursive: true, filter: (path) => !path.includes("node_modules") });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function release(...flags: string[]): { code: number | null; said: string } {
  const args = ["scripts/release.mjs", "--package", folder, ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: "utf8",
    timeout: WAIT_MS,
  });
  return { code: status, said: stdout + stderr };
}

function edit(name: string, change: (text: string) => string): void {
  writeFileSync(join(folder, name), change(readFileSync(join(folder, name), "utf8")));
}

it("finds nothing in the package as it is, and does not publish it while it is private", () => {
  expect(release("--dry-run")).toMatchObject({ code: 0, said: expect.stringContaining("checked and not published") });
  expect(release()).toMatchObject({
    code: 1,
    said: expect.stringContaining("not published, since these are private: @tenure/http. Use --dry-run"),
  });
});

it.each([
  [
    "an entry that is not packed",
    () => edit("package.json", (text) => text.replace('"./dist/node.js"', '"./dist/x.js"')),
    /publint: .*x\.js/,
  ],
  ["types that are not there", () => rmSync(join(folder, "dist/hono.d.ts")), /attw: /],
  ["a file whose source is gone", () => writeFileSync(join(folder, "dist/old.js"), ""), /dist\/old\.js has no source/],
  ["another license", () => edit("LICENSE", () => "mine"), /LICENSE is not the project's/],
  [
    "an example that is too long",
    () => edit("README.md", (text) => text.replace("```ts\n", `\`\`\`ts\n${"\n".repeat(11)}`)),
    /first example/,
  ],
  [
    "an unknown peer",
    () =>
      edit("package.json", (text) =>
        text.replace(
          '"peerDependencies"',
          '"peerDependenciesMeta": { "x": { "optional": true } },\n"peerDependencies"',
        ),
      ),
    /names x, which is no peer/,
  ],
] as const)("refuses %s", (_, plant, fault) => {
  plant();
  expect(release("--dry-run")).toEqual({ code: 1, said: expect.stringMatching(fault) });
});
