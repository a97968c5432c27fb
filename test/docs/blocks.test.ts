/**
 * Every code block of the documents is compiled, run or read by something, or is listed here with the reason why it is not: a new block
 * that is none of these is refused. TypeScript is compiled by snippets.test.ts, all of it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Block, blocks, documents, ROOT } from "./markdown.ts";

/** Documents whose console blocks are typed as they stand, and the tests that type them. */
const TYPED: Record<string, string> = {
  "docs/walkthrough.md": "test/docs/walkthrough.test.ts",
  "docs/newcomer.md": "test/packages/newcomer.test.ts",
};

/** Documents with drawings, which are no code. */
const DRAWN = ["README.md", "docs/architecture.md"];

const AWS = "wants an AWS account; test/deploy, test/smoke and test/sst have the parts that do not";

/** Commands of shell blocks: document, the beginning of the block, and the file that runs it with the words by which it does, or why nothing does. */
const SHELL: [document: string, begins: string, run: { by: string; says: string } | { not: string }][] = [
  ["README.md", "npm ci && npm start", { by: ".ci/run", says: "npm start" }],
  ["README.md", "npm ci && npm test", { by: ".ci/run", says: "npm run check" }],
  ["CONTRIBUTING.md", "npm test -- test/http/auth.test.ts", { not: "runs the tests, of which this is one" }],
  ["bench/RESULTS.md", "npm --prefix bench run agents", { not: "takes hours; its program is type-checked" }],
  ["docs/deploy.md", "aws service-quotas get-service-quota", { not: AWS }],
  ["docs/deploy.md", "npx sst secret set Pepper", { not: AWS }],
  ["docs/deploy.md", "npm run deploy -- --stage staging --check", { not: AWS }],
  ["docs/deploy.md", "npm run smoke -- --url", { by: ".ci/run", says: "npm run --silent smoke" }],
  ["docs/deploy.md", "npx sst secret set Pepper", { not: AWS }],
  ["docs/deploy.md", "npm run generation -- --stage", { not: AWS }],
  ["docs/operations.md", "aws lambda invoke", { not: AWS }],
  ["docs/operations.md", "aws sqs start-message-move-task", { not: AWS }],
  [
    "docs/settings.md",
    "TENURE_CHECKPOINT_KEYS=",
    { by: "packages/functions/src/http/settings.test.ts", says: "readKeys" },
  ],
  ["docs/settings.md", "npx sst secret set CheckpointKeys", { not: AWS }],
  ["docs/ttl.md", "npm run lab -- --quick", { by: ".ci/run", says: "npm run lab -- --quick" }],
  ["docs/validation.md", "npm run sst:platform", { by: ".ci/run", says: "sst:platform" }],
  ["docs/validation.md", "python3 -m venv", { not: "installs from PyPI, which no test may" }],
  [
    "packages/create/README.md",
    "npx @tenure/create my-app",
    { by: "docs/newcomer.md", says: "npx --yes @tenure/create my-app" },
  ],
  ["packages/create/template/README.md", "npm install", { by: "docs/newcomer.md", says: "$ npm run dev" }],
  ["packages/create/template/README.md", "npx sst secret set Pepper", { not: AWS }],
  ["packages/web/README.md", "npm install @tenure/web", { by: "docs/newcomer.md", says: "$ npm install" }],
  ["test/simulation/README.md", "TENURE_TEST_SEED=7", { not: "runs the tests again, with a seed that failed" }],
];

/** Says in words what is wrong with a block; undefined when something reads it. */
function faultOf(block: Block, left: typeof SHELL): string | undefined {
  const { document, language, code } = block;
  if (["ts", "tsx"].includes(language)) return undefined;
  if (language === "console") return TYPED[document] ? undefined : "is typed by no test";
  if (language === "") return DRAWN.includes(document) ? undefined : "has no language";
  if (language === "json") {
    try {
      JSON.parse(code);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }
  if (language !== "sh") return `is ${language}, which nothing reads`;
  const at = left.findIndex(([of, begins]) => of === document && code.trim().startsWith(begins));
  if (at < 0) return "is a shell block that this test does not list";
  left.splice(at, 1);
  const { status, stderr } = spawnSync("bash", ["-n"], { input: code, encoding: "utf8" });
  return status === 0 ? undefined : `is no shell: ${stderr}`;
}

function faults(all: Block[]): string[] {
  const left = [...SHELL];
  const found = all.flatMap((block) => {
    const fault = faultOf(block, left);
    return fault ? [`${block.document}:${block.line} ${fault}`] : [];
  });
  const of = new Set(all.map(({ document }) => document));
  return [
    ...found,
    ...left.filter(([document]) => of.has(document)).map(([document, begins]) => `${document} has no ${begins}`),
  ];
}

it("are each read by something, or listed with the reason", () => {
  expect(faults(documents().flatMap(blocks))).toEqual([]);
});

it("would be refused, of each kind", () => {
  const block = (language: string, code: string) => ({ document: "planted.md", line: 1, language, code });
  expect(
    faults([
      block("sh", "npm run lint"),
      block("console", "$ npm start"),
      block("", "?"),
      block("json", "{,}"),
      block("yaml", "a: 1"),
      { ...block("sh", "npm ci && npm start 'x"), document: "docs/ttl.md" },
      { ...block("sh", "npm run lab -- --quick 'x"), document: "docs/ttl.md" },
    ]),
  ).toEqual([
    "planted.md:1 is a shell block that this test does not list",
    "planted.md:1 is typed by no test",
    "planted.md:1 has no language",
    expect.stringMatching(/^planted\.md:1 .*JSON/),
    "planted.md:1 is yaml, which nothing reads",
    "docs/ttl.md:1 is a shell block that this test does not list",
    expect.stringMatching(/^docs\/ttl\.md:1 is no shell: .*unexpected EOF/s),
  ]);
});

it("are run by what this test names", () => {
  for (const [document, begins, run] of SHELL) {
    if (!("by" in run)) continue;
    expect(readFileSync(join(ROOT, run.by), "utf8"), `${document}: ${begins}`).toContain(run.says);
  }
  for (const test of Object.values(TYPED)) expect(existsSync(join(ROOT, test))).toBe(true);
});
