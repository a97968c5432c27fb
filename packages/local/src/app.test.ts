import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findApp, isPackage } from "./app.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "app-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("finds the application of the folder, or the one that is named", () => {
  mkdirSync(join(folder, "src"));
  for (const name of ["src/app.ts", "other.ts"]) writeFileSync(join(folder, name), "");
  for (const needsOne of [false, true]) {
    expect(findApp({}, folder, needsOne)).toBe(join(folder, "src/app.ts"));
    expect(findApp({ TENURE_APP: "other.ts" }, folder, needsOne)).toBe(join(folder, "other.ts"));
    expect(() => findApp({ TENURE_APP: "gone.ts" }, folder, needsOne)).toThrow();
  }
});

it("serves no other application where an installed program finds none", () => {
  expect(findApp({}, folder, false)).toBeUndefined();
  expect(() => findApp({}, folder, true)).toThrow(
    expect.objectContaining({
      reason: { tag: "misconfigured", problems: [expect.stringContaining("has no src/app.ts")] },
    }),
  );
});

it("tells an installed program from a clone's", () => {
  expect(isPackage("file:///a/project/node_modules/@tenure/local/dist/app.js")).toBe(true);
  expect(isPackage("file:///a/clone/packages/local/dist/app.js")).toBe(false);
});
