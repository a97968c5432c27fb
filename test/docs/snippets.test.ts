/**
 * Every TypeScript block of the documents compiles as it stands, under the project's own settings. A block whose first line
 * names a file is compiled as that file, so its relative imports are those of the source tree; the tree is not written to.
 * One run of `tsc` is for all blocks. Three wrong blocks are planted in it, so that a compiler that sees nothing is found out.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { type Block, blocks, documents, ROOT } from "./markdown.ts";

const TYPESCRIPT = new Set(["ts", "tsx", "typescript", "mts", "cts"]);
const NAMED = /^\/\/ ([\w./-]+\.tsx?)$/;

/** A project of somebody's own, whose files some documents change. */
const TEMPLATE = join(ROOT, "packages/create/template");

const planted: Block[] = [
  { line: 11, language: "ts", code: 'import { Nothing } from "@tenure/core/checkpoint";\nexport const it = Nothing;' },
  { line: 22, language: "tsx", code: 'export const page = <p id={1}>"</p>;' },
  {
    line: 33,
    language: "typescript",
    code: '// packages/functions/src/graphs/planted.ts\nimport type { GraphFactory } from "./index.ts";\nexport const planted: GraphFactory = 1;',
  },
].map((block) => ({ ...block, document: "planted.md" }));

/** Compiles each block as a module of its own, and returns `document:line: message` for each error, sorted. */
async function errorsOf(all: Block[]): Promise<string[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "tenure-docs-")));
  try {
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "junction");
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const places = all.map(({ line, language, code }, i) => {
      const named = NAMED.exec(code.split("\n", 1)[0] ?? "")?.[1];
      const file = `${i}/${named ?? (language === "tsx" ? "block.tsx" : "block.ts")}`;
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      // Empty lines, so that the compiler's line numbers are the document's.
      writeFileSync(join(folder, file), "\n".repeat(line - 1) + code);
      return file;
    });
    const config = {
      extends: join(ROOT, "tsconfig.base.json"),
      compilerOptions: {
        ...{ noEmit: true, composite: false, declaration: false, declarationMap: false, sourceMap: false },
        ...{ rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true },
        ...{ lib: ["ES2023", "DOM"], jsx: "react-jsx", moduleDetection: "force" },
        customConditions: ["@tenure/source"],
        typeRoots: [join(ROOT, "node_modules/@types")],
        rootDirs: [ROOT, TEMPLATE, ...places.map((_, i) => join(folder, String(i)))],
      },
      files: [...places, join(ROOT, "packages/local/src/dynamodb/dynalite.d.ts")],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const printed = await promisify(execFile)(
      process.execPath,
      [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", folder, "--pretty", "false"],
      { cwd: folder },
    ).then(
      ({ stdout }) => stdout,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
    );
    return printed
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.startsWith(" "))
      .map((line) => {
        const [, file = "", at, message] = /^(.+?)\((\d+),\d+\): (.*)$/.exec(line) ?? [];
        const block = all[places.indexOf(file)];
        return block ? `${block.document}:${at}: ${message}` : line;
      })
      .sort();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The sources of what others import from a package. */
const entries = (name: string): string[] =>
  Object.values(JSON.parse(readFileSync(join(ROOT, `packages/${name}/package.json`), "utf8")).exports).map((entry) =>
    `packages/${name}/${(entry as Record<string, string>)["@tenure/source"]}`.replace("/./", "/"),
  );

/** The example in the head comment of each module that others import from the packages that install. */
const examples = ["core", "http"].flatMap(entries).flatMap((document): Block[] => {
  const [head = ""] = /\/\*\*.*?\*\//s.exec(readFileSync(join(ROOT, document), "utf8")) ?? [];
  const [before, example] = head.split(" * @example\n");
  if (!example?.startsWith(" * import ")) return [];
  const code = example.replace(/ \*\/$/, "").replace(/^ \* ?/gm, "");
  return [{ document, line: (before ?? "").split("\n").length + 1, language: "ts", code: `${code}\nexport {};` }];
});

const found = documents()
  .flatMap(blocks)
  .filter(({ language }) => TYPESCRIPT.has(language.toLowerCase()));

it("finds the blocks of README.md and of docs/", () => {
  const of = new Set(found.map(({ document }) => document));
  expect([...of]).toEqual(expect.arrayContaining(["README.md", "docs/agents.md", "docs/frontend.md"]));
});

it("finds an example in each folder of core that others import", () => {
  const paths = examples.map(({ document }) => document);
  const folders = paths.filter((path) => /^packages\/core\/.*\/index\.ts$/.test(path));
  expect(folders).toHaveLength(14);
  expect(paths).toEqual(
    expect.arrayContaining(["hono", "express", "fastify", "node"].map((name) => `packages/http/src/${name}.ts`)),
  );
});

it("compiles each of them, and none of the wrong blocks that are planted", async () => {
  const errors = await errorsOf([...found, ...examples, ...planted]);
  const isPlanted = (error: string) => error.startsWith("planted.md:");
  expect(errors.filter((error) => !isPlanted(error))).toEqual([]);
  expect(errors.filter(isPlanted).map((error) => error.split(":", 2)[1])).toEqual(["11", "22", "35"]);
});

it("shows the examples as they are", () => {
  for (const { path, text } of documents())
    for (const [, example = "", code] of text.matchAll(/^\[(examples\/[\w-]+\.ts)\]\([^)]+\)\n\n```ts\n(.*?)^```$/gms))
      expect(code, `${path} shows ${example}`).toBe(readFileSync(join(ROOT, example), "utf8"));
});
