/** Every link within the project leads to a file that is there and a heading that is in it, and so does every path in backticks. */
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";
import { type Document, document, documents, lineAt, prose, ROOT } from "./markdown.ts";

/** Inline links and images, link definitions, and the attributes of HTML. */
const LINKS = [/\]\(\s*<?([^\s)>]+)>?[^)]*\)/g, /^\[[^\]]+\]:\s*(\S+)/gm, /<(?:a|img)\b[^>]*\b(?:href|src)="([^"]+)"/g];
const ELSEWHERE = /^[a-z][a-z\d+.-]*:/i;

const withoutCode = (of: Document): string =>
  prose(of).replace(/(`+)[^`].*?\1/gs, (code) => code.replace(/[^\n]/g, " "));

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(of: Document): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ""] of prose(of).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const shown = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
    const anchor = shown
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, "")
      .replaceAll(" ", "-");
    let name = anchor;
    for (let i = 1; found.has(name); i++) name = `${anchor}-${i}`;
    found.add(name);
  }
  return found;
}

function brokenLinks(of: Document): string[] {
  const text = withoutCode(of);
  const links = LINKS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ 1: link = "", index }) => ({ link, index })),
  );
  return links
    .filter(({ link }) => !ELSEWHERE.test(link) && !leads(of, link))
    .map(({ link, index }) => `${of.path}:${lineAt(text, index)}: ${link}`);
}

function leads(from: Document, link: string): boolean {
  const [path = "", anchor] = link.split("#").map(decodeURIComponent);
  const target = path === "" ? from.path : relative(ROOT, join(ROOT, dirname(from.path), path));
  if (path !== "" && (target.startsWith("..") || !existsSync(join(ROOT, target)))) return false;
  if (anchor === undefined) return true;
  return target.endsWith(".md") && anchors(path === "" ? from : document(target)).has(anchor);
}

it("has no link that leads nowhere", () => {
  expect(documents().flatMap(brokenLinks)).toEqual([]);
});

it("would see one", () => {
  const text = [
    ...[
      "# A `heading`, twice",
      "# A heading, twice",
      "[a](#a-heading-twice) [b](#a-heading-twice-1) [c](README.md#run-it)",
    ],
    ...[
      "[d](#a-heading) [e](README.md#nothing) [f](nothing.md) ![g](docs/nothing.png)",
      '<img src="docs/nothing.png">',
    ],
    ...[
      "[h]: nothing.md",
      "`[i](nothing.md)`",
      "```",
      "[j](nothing.md)",
      "```",
      "[k](../outside.md) [l](https://example.com)",
    ],
  ].join("\n");
  expect(brokenLinks({ path: "planted.md", text })).toEqual([
    "planted.md:4: #a-heading",
    "planted.md:4: README.md#nothing",
    "planted.md:4: nothing.md",
    "planted.md:4: docs/nothing.png",
    "planted.md:11: ../outside.md",
    "planted.md:6: nothing.md",
    "planted.md:5: docs/nothing.png",
  ]);
});

/** Paths in backticks that begin with a folder of the project. */
const PATH = /`((?:packages|test|bench|docs|infra|walls|examples)\/[\w./@-]*)`/g;

/** A test may be named without its ending, and a folder with or without a slash. */
const isThere = (path: string): boolean =>
  [path, `${path}.ts`, `${path}.test.ts`].some((one) => existsSync(join(ROOT, one)));

it("names no file of the project that is not there", () => {
  const missing = documents().flatMap((of) =>
    [...prose(of).matchAll(PATH)]
      .filter(({ 1: path = "" }) => !isThere(path))
      .map(({ 1: path, index }) => `${of.path}:${lineAt(prose(of), index)}: ${path}`),
  );
  expect(missing).toEqual([]);
});

it("keeps README.md within 150 lines", () => {
  expect(document("README.md").text.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});

it("shows each guarantee of README.md by a test or a program that is there", () => {
  const rows = prose(document("README.md"))
    .match(/^\| \| guarantee \| shown by \|\n.*\n((?:\|.*\n)+)/m)?.[1]
    ?.trim()
    .split("\n");
  expect(rows?.length).toBeGreaterThan(10);
  for (const row of rows ?? []) {
    const shownBy = row.split("|").at(-2) ?? "";
    const paths = [...shownBy.matchAll(/\b(?:test|bench)\/[\w./-]+/g)].map(([path]) => path);
    expect(paths.length + (shownBy.match(/`npm run [\w:]+`/g)?.length ?? 0), row).toBeGreaterThan(0);
    for (const path of paths) expect(isThere(path), `README.md: ${path}`).toBe(true);
  }
});
