/** The table of packages/web/README.md names tests of the site that are there, and leaves no file of them out. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { document, ROOT, tableRows } from "./markdown.ts";

const FOLDER = join(ROOT, "test/browser");
/** The files that are about something else than the site. */
const OTHERS = ["hook", "other-origin"];
const files = readdirSync(FOLDER).flatMap((name) => (name.endsWith(".test.ts") ? [name.slice(0, -8)] : []));

/** The words after a file's name, up to the next file: a title, or its beginning. */
const NAMED = /`([\w-]+)`(?:: |, )?((?:(?:, )?"[^"]+")*)/g;

it("are all there", () => {
  const named = tableRows(document("packages/web/README.md")).flatMap(({ cells }) => [
    ...(cells[1] ?? "").matchAll(NAMED),
  ]);
  const missing = named.flatMap(([, file = "", titles = ""]) => {
    if (!files.includes(file)) return [`${file} is no file of tests`];
    const source = readFileSync(join(FOLDER, `${file}.test.ts`), "utf8");
    return [...titles.matchAll(/"([^"…]+)…?"/g)].flatMap(([, title = ""]) =>
      source.includes(`"${title}`) ? [] : [`${file} has no test "${title}"`],
    );
  });
  expect(missing).toEqual([]);
  expect(named.length).toBeGreaterThan(20);
  const all = new Set(named.map(([, file]) => file));
  expect(files.filter((file) => !all.has(file) && !OTHERS.includes(file))).toEqual([]);
});
