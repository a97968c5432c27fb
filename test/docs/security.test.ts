/** Each verdict of docs/security.md that names a test names one that is there, in the file that it names. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Document, document, prose, ROOT, tableRows } from "./markdown.ts";

const VERDICTS = new Set(["met", "met, no test", "partly", "not met", "not applicable"]);
const FILE = /^`(test\/[\w/-]+\.test\.ts)`$/;

interface Verdict {
  line: number;
  requirement: string;
  verdict: string;
  test: string;
}

/** The rows of the tables that have a column `verdict`. */
function verdicts(of: Document): Verdict[] {
  let columns: string[] = [];
  return tableRows(of).flatMap(({ line, cells }) => {
    if (cells.at(-1) === "test") columns = cells;
    else if (cells.length === columns.length) {
      const cell = (name: string) => cells[columns.indexOf(name)] ?? "";
      return [{ line, requirement: cells[0] ?? "", verdict: cell("verdict"), test: cell("test") }];
    } else columns = [];
    return [];
  });
}

/** The names of a file's tests, `it.each` and the like included. */
function namesIn(file: string): string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  return [...source.matchAll(/^\s*it(?:\.\w+(?:\([^)]*\))?)*\(\s*"((?:[^"\\]|\\.)*)"/gm)].map(
    ([, name = ""]) => JSON.parse(`"${name}"`) as string,
  );
}

/** The faults of a cell. It has the form `file`: "name", "name"; "the same" stands for the last file of the cells above it. */
function faults(cell: string, above: { file: string | undefined }): string[] {
  const parts = [...cell.matchAll(/`[^`]*`|"[^"]*"|\bthe same\b/g)].map(([part]) => part);
  if (parts.length === 0) return ["names no test"];
  const found: string[] = [];
  let file: string | undefined;
  let isNamed = true;
  for (const part of parts) {
    if (part === "the same") {
      if (!above.file) found.push("is the same as nothing");
    } else if (part.startsWith("`")) {
      if (!isNamed) found.push(`${file} is named without a test of it`);
      file = FILE.exec(part)?.[1];
      isNamed = false;
      if (!file) found.push(`${part} is not the path of a test`);
      else if (!existsSync(join(ROOT, file))) found.push(`${file} is not there`);
    } else {
      isNamed = true;
      const name = part.slice(1, -1);
      if (!file) found.push(`${part} is in no file`);
      else if (existsSync(join(ROOT, file)) && !namesIn(file).includes(name)) found.push(`${file} has no test ${part}`);
    }
  }
  if (!isNamed) found.push(`${file} is named without a test of it`);
  if (file) above.file = file;
  return found;
}

function wrong(of: Document): string[] {
  const above: { file: string | undefined } = { file: undefined };
  return verdicts(of).flatMap(({ line, requirement, verdict, test }) => {
    const found: string[] = [];
    if (!VERDICTS.has(verdict)) found.push(`there is no verdict "${verdict}"`);
    if (test !== "") found.push(...faults(test, above));
    else if (verdict === "met") found.push("is met, and names no test: say so");
    if (verdict === "met, no test" && test !== "") found.push("has a test after all");
    return found.map((fault) => `${of.path}:${line}: ${requirement}: ${fault}`);
  });
}

const security = document("docs/security.md");

it("finds the verdicts", () => {
  const requirements = verdicts(security).map(({ requirement }) => requirement);
  expect(requirements.length).toBeGreaterThan(35);
  expect(requirements).toEqual(expect.arrayContaining(["7.1.1", "7.4.2", "3.3.1", "3.5.2", "6.6.2", "5.2"]));
});

it("has a test for each verdict that names one", () => {
  expect(wrong(security)).toEqual([]);
});

it("has every test that the text around the tables names", () => {
  const text = prose(security).replace(/^\|.*$/gm, "");
  const named = [...text.matchAll(/`(test\/[\w/-]+\.test\.ts)`(?:,\s+("[^"]+"))?/g)];
  expect(named.length).toBeGreaterThan(3);
  for (const [, file = "", name] of named) {
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    if (name) expect(namesIn(file), file).toContain(name.slice(1, -1).replace(/\s+/g, " "));
  }
});

it("would see what is wrong", () => {
  const here = "`test/docs/security.test.ts`";
  const rows = [
    `met | ${here}: "finds the verdicts", "has a test for each verdict that names one"`,
    `met | the same`,
    `met | ${here}: "finds nothing"`,
    `met | \`test/docs/nothing.test.ts\`: "finds the verdicts"`,
    `met | ${here}`,
    `partly | by hand`,
    `met | `,
    `met, no test | ${here}: "finds the verdicts"`,
    `perhaps | `,
    `not met | `,
  ];
  const text = ["| | verdict | test |", "|---|---|---|", ...rows.map((row, i) => `| ${i} | ${row} |`)].join("\n");
  expect(wrong({ path: "planted.md", text })).toEqual([
    'planted.md:5: 2: test/docs/security.test.ts has no test "finds nothing"',
    "planted.md:6: 3: test/docs/nothing.test.ts is not there",
    "planted.md:7: 4: test/docs/security.test.ts is named without a test of it",
    "planted.md:8: 5: names no test",
    "planted.md:9: 6: is met, and names no test: say so",
    "planted.md:10: 7: has a test after all",
    'planted.md:11: 8: there is no verdict "perhaps"',
  ]);
});
