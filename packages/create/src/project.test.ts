import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nameProblem, writeProject } from "./project.ts";

let folder: string;
let template: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "create-"));
  template = join(folder, "template");
  mkdirSync(join(template, "src"), { recursive: true });
  writeFileSync(join(template, "package.json"), '{ "name": "my-app" }');
  writeFileSync(join(template, "README.md"), "# my-app\n");
  writeFileSync(join(template, "sst.config.ts"), 'name: "tenure"');
  writeFileSync(join(template, "gitignore"), "node_modules/\n");
  writeFileSync(join(template, "src/my-app.ts"), "my-app\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each(["app", "a1", "my-app", "a".repeat(30)])("takes the name %s", (name) => {
  expect(nameProblem(`/somewhere/${name}`)).toBeUndefined();
});

it.each(["a", "My-app", "1app", "-app", "app-", "my_app", "my.app", "a".repeat(31), "ünder", " app"])(
  "refuses the name %j in one line",
  (name) => {
    expect(nameProblem(`/somewhere/${name}`)).toMatch(/^.* cannot be a project's name: use .*$/);
  },
);

it("writes the project under its name, into a folder that is new or empty", () => {
  for (const path of [join(folder, "deep/note-taker"), join(folder, "empty")]) {
    if (path.endsWith("empty")) mkdirSync(path);
    writeProject(template, path);
    const name = path.split("/").at(-1);
    expect(readdirSync(path).sort()).toEqual([".gitignore", "README.md", "package.json", "src", "sst.config.ts"]);
    expect(readFileSync(join(path, "package.json"), "utf8")).toBe(`{ "name": "${name}" }`);
    expect(readFileSync(join(path, "sst.config.ts"), "utf8")).toBe(`name: "${name}"`);
    expect(readFileSync(join(path, "src/my-app.ts"), "utf8")).toBe("my-app\n");
  }
});

it("changes nothing in a folder that has something in it, and no file", () => {
  const used = join(folder, "used");
  mkdirSync(used);
  writeFileSync(join(used, "mine"), "mine");
  expect(() => writeProject(template, used)).toThrow(/^.*used is not empty: name another folder$/);
  expect(() => writeProject(template, join(used, "mine"))).toThrow(/^.*mine is a file: name another folder$/);
  expect(readdirSync(used)).toEqual(["mine"]);
});

it("says so in one line where it may not write", () => {
  const path = join(folder, "used");
  writeFileSync(path, "");
  expect(() => writeProject(template, join(path, "app"))).toThrow(/^.*app cannot be written: .*$/);
});

it("leaves nothing behind where it fails half way, so that the same command can be given again", () => {
  rmSync(join(template, "sst.config.ts"));
  mkdirSync(join(folder, "empty"));
  for (const path of ["deep/er/app", "empty"])
    expect(() => writeProject(template, join(folder, path))).toThrow(/^.*cannot be written: .*$/);
  expect(readdirSync(folder).sort()).toEqual(["empty", "template"]);
  expect(readdirSync(join(folder, "empty"))).toEqual([]);
});
