/** The command line of @tenure/create as it is built: help, and each mistake in one line with its exit code. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../docs/markdown.ts";

const PROGRAM = join(ROOT, "packages/create/bin.cjs");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "create-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function create(words: string[], nodeArgs: string[] = []): { code: number | null; out: string; err: string } {
  const args = [...nodeArgs, PROGRAM, ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

it("prints its help, and makes nothing", () => {
  for (const flag of ["--help", "-h"])
    expect(create([flag])).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringMatching(/^npx @tenure\/create <folder>/),
    });
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  [[], 2, "name a folder, as in npx @tenure/create my-app"],
  [
    ["My_App"],
    2,
    "My_App cannot be a project's name: use 2 to 30 lower case letters, digits and hyphens, beginning with a letter",
  ],
  [["one", "two"], 2, "it makes one project, and does not take two"],
  [["--template=x", "app"], 2, "it does not take --template: see --help"],
  [["--help=x"], 2, "-h, --help takes no value: see --help"],
  [[""], 2, "name a folder, as in npx @tenure/create my-app"],
  [
    ["two\nlines"],
    2,
    '"two\\nlines" cannot be a project\'s name: use 2 to 30 lower case letters, digits and hyphens, beginning with a letter',
  ],
  [["used"], 1, "…/used is not empty: name another folder"],
] as const)("refuses %j with exit code %i", (words, code, problem) => {
  mkdirSync(join(folder, "used"));
  writeFileSync(join(folder, "used/mine"), "mine");
  const said = create([...words]);
  expect({ ...said, err: said.err.replace(/ \S*\/used/, " …/used") }).toEqual({
    code,
    out: "",
    err: `create: ${problem}\n`,
  });
  expect(readdirSync(folder)).toEqual(["used"]);
  expect(readdirSync(join(folder, "used"))).toEqual(["mine"]);
});

it.each([
  ["used/mine/app", "ENOTDIR: not a directory"],
  ["dangling", "EEXIST: file already exists"],
  ["full/my-app", "ENOENT: no such file or directory"],
])("refuses %s, which cannot be made, and ends", (path, why) => {
  mkdirSync(join(folder, "used"));
  writeFileSync(join(folder, "used/mine"), "mine");
  symlinkSync("nowhere", join(folder, "dangling"));
  // A file system that takes no folder, where the system has one.
  symlinkSync(existsSync("/proc/self") ? "/proc" : "nowhere", join(folder, "full"));
  const said = create([path]);
  expect(said).toMatchObject({ code: 1, out: "" });
  expect(said.err).toMatch(/^create: \S+ cannot be written: mend that, or name another folder \(.*\)\n$/);
  if (!path.startsWith("full")) expect(said.err).toContain(why);
});

it("refuses an old Node.js in one line", () => {
  const old = join(folder, "old.cjs");
  writeFileSync(
    old,
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.0" } });',
  );
  expect(create(["app"], ["--require", old])).toEqual({
    code: 1,
    out: "",
    err: "create: Tenure needs Node.js 20.19 or later; this is v18.20.0.\n",
  });
});
