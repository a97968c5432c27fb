/** The documents and package.json name the same scripts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Document, document, documents, lineAt, ROOT, tableRows } from "./markdown.ts";

/** The script names of the package.json in a folder of the project. */
function scriptsOf(folder: string): Set<string> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  return new Set(Object.keys(scripts));
}

/** npm runs these before and after others: nobody calls them. */
const isHook = (name: string, all: Set<string>) => /^(pre|post)/.test(name) && all.has(name.replace(/^(pre|post)/, ""));

it("are in CONTRIBUTING.md's table, each once", () => {
  const all = scriptsOf(".");
  const listed = tableRows(document("CONTRIBUTING.md")).flatMap(({ cells: [command = ""] }) => {
    const [, run, short] = /^`npm (?:run ([\w:-]+)|(start|test))(?: [^`]*)?`$/.exec(command) ?? [];
    return run ?? short ?? [];
  });
  expect(listed.toSorted()).toEqual([...all].filter((name) => !isHook(name, all)).sort());
});

/** `npm run x` and `npm --prefix bench run x` whose script is not there. */
function unknown({ path, text }: Document): string[] {
  const calls = text.matchAll(/\bnpm\s+(?:--prefix\s+(\S+)\s+)?(?:run\s+(?:--silent\s+)?([\w:-]+)|(start|test)\b)/g);
  return [...calls].flatMap(({ 1: folder = ".", 2: run, 3: short, index }) => {
    const name = run ?? short ?? "";
    return scriptsOf(folder).has(name) ? [] : [`${path}:${lineAt(text, index)}: ${name}`];
  });
}

it("are there wherever a document names one", () => {
  expect(documents().flatMap(unknown)).toEqual([]);
});

it("would be missed", () => {
  const text =
    "`npm run lint`, `npm\nrun nothing -- x`\n\n```sh\nnpm --prefix bench run fuzz\nnpm --prefix bench run lint\n```\n";
  expect(unknown({ path: "planted.md", text })).toEqual(["planted.md:1: nothing", "planted.md:6: lint"]);
});

it("of bench are all in the list of npm run bench", () => {
  const listed = Object.entries(
    JSON.parse(readFileSync(join(ROOT, "bench/benches.json"), "utf8")) as Record<string, { isOfRoot?: boolean }>,
  );
  const names = (isOfRoot: boolean) =>
    listed.filter(([, bench]) => isOfRoot === !!bench.isOfRoot).map(([name]) => name);
  expect(names(false).toSorted()).toEqual([...scriptsOf("bench")].sort());
  for (const name of names(true)) expect(scriptsOf(".")).toContain(name);
});
