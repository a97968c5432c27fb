/** Each wall of docs/architecture.md with a planted violation, in a copy of the rules: a guard that does not bite is no guard. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIOME = join(ROOT, "node_modules/.bin/biome");

interface Planted {
  path: string;
  source: string;
}
/** Every planted file, by a name of its own in the room that it is planted in. */
const planted: Planted[] = [];
/** Plants a file, to be linted with all others at once. Returns the rules that it breaks, to be called in a test. */
function plant(room: string, source: string): () => string[] {
  const path = `${room}/planted-${planted.length}.ts`;
  planted.push({ path, source });
  return () => broken.get(path) ?? [];
}
const broken = new Map<string, string[]>();

let copy: string;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), "walls-"));
  for (const name of ["biome.json", "walls", ".gitignore"])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  for (const { path, source } of planted) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), source);
  }
  const args = ["lint", "--reporter=json", "--max-diagnostics=none", "."];
  const { stdout } = await promisify(execFile)(BIOME, args, { cwd: copy, maxBuffer: 2 ** 26 }).catch(
    (failed: { stdout: string }) => failed,
  );
  const { summary, diagnostics } = JSON.parse(stdout) as {
    summary: { unchanged: number };
    diagnostics: { category: string; severity: string; location: { path: string } }[];
  };
  // A file that the linter passes over would break no rule.
  expect(summary.unchanged).toBeGreaterThan(planted.length);
  for (const { category, severity, location } of diagnostics)
    if (severity === "error")
      broken.set(location.path, [...(broken.get(location.path) ?? []), category.replace(/^lint\/\w+\//, "")]);
});
afterAll(() => rmSync(copy, { recursive: true }));

it("are those of the table: npm run walls writes them", async () => {
  const { walls } = (await import("../../walls/generate.mjs" as string)) as { walls: () => string };
  const written = readFileSync(join(ROOT, "walls/biome.walls.json"), "utf8");
  expect(JSON.parse(written)).toEqual(JSON.parse(walls()));
});

const imports = (specifier: string) => `import * as planted from "${specifier}";\nexport const used = planted;\n`;
const sourceOf = (name: string) => `packages/${name}/src`;
const [CORE, FUNCTIONS, WEB, LOCAL] = [sourceOf("core"), sourceOf("functions"), sourceOf("web"), sourceOf("local")];

const forbidden: [string, string, string][] = [
  ...["hono", "hono/cookie", "sst", "aws-lambda", "@tenure/functions/api", "@tenure/local/stack"].flatMap(
    (specifier): [string, string, string][] =>
      ["session", "checkpoint", "redis", "dynamo", "s3", "newfeature"].map((room) => [
        `core/${room}`,
        `${CORE}/${room}`,
        specifier,
      ]),
  ),
  ...["otp", "ratelimit", "checkpoint", "thread", "user", "dynamo"].map((room): [string, string, string] => [
    "a strict feature",
    `${CORE}/session`,
    `../${room}/index.ts`,
  ]),
  ...["session", "otp", "thread", "user", "redis"].map((room): [string, string, string] => [
    "a durable feature",
    `${CORE}/checkpoint`,
    `../${room}/index.ts`,
  ]),
  ...["session", "checkpoint", "redis", "s3"].flatMap((room): [string, string, string][] =>
    ["@tenure/core/otp", "node:process"].map((specifier) => [room, `${CORE}/${room}`, specifier]),
  ),
  ["a room of neither side", `${CORE}/newfeature`, "../redis/index.ts"],
  ["redis/", `${CORE}/redis`, "../dynamo/index.ts"],
  ["s3/", `${CORE}/s3`, "../checkpoint/index.ts"],
  ["dynamo/", `${CORE}/dynamo`, "../redis/index.ts"],
  ["what all import", CORE, "./redis/index.ts"],
  ...[
    "@upstash/redis",
    "@upstash/redis/cloudflare",
    "@upstash/ratelimit",
    "@aws-sdk/client-dynamodb",
    "@aws-sdk/lib-dynamodb",
    "@aws-sdk/client-s3",
  ].flatMap((specifier): [string, string, string][] =>
    [
      `${CORE}/session`,
      `${CORE}/ratelimit`,
      `${CORE}/checkpoint`,
      `${CORE}/redis`,
      `${CORE}/dynamo`,
      `${CORE}/s3`,
      FUNCTIONS,
      WEB,
      LOCAL,
    ].map((room) => ["any other file than the one", room, specifier]),
  ),
  ["core", `${CORE}/session`, "@tenure/http"],
  ...["hono", "express", "fastify", "zod", "@tenure/functions/api", "@upstash/redis"].map(
    (specifier): [string, string, string] => ["sessions for any server", sourceOf("http"), specifier],
  ),
  ["functions", FUNCTIONS, "sst"],
  ["functions", FUNCTIONS, "@tenure/local/stack"],
  ["functions", FUNCTIONS, "../../../bench/x.ts"],
  ["web", WEB, "@tenure/core/session"],
  ["web", WEB, "@tenure/local/stack"],
  ["web", WEB, "../../functions/src/api.ts"],
  ["web", WEB, "../../core/src/token.ts"],
  ["a bench", "bench/wire", "../../test/history/sessions.test.ts"],
  ["a test", "test/history", "../../bench/wire/load.ts"],
];

describe("the linter", () => {
  for (const [who, room, specifier] of forbidden) {
    const rules = plant(room, imports(specifier));
    it(`refuses that ${who} (${room}) imports ${specifier}`, () => expect(rules()).toContain("noRestrictedImports"));
  }

  for (const [room, specifier] of [
    [`${CORE}/session`, "../redis/index.ts"],
    [`${CORE}/session`, "../errors.ts"],
    [`${CORE}/session`, "./policy.ts"],
    [`${CORE}/checkpoint`, "../dynamo/index.ts"],
    [`${FUNCTIONS}/routes`, "../deps.ts"],
    [LOCAL, "@tenure/functions/api"],
    ["bench/wire", "../../test/support/random.ts"],
  ] as const) {
    const rules = plant(room, imports(specifier));
    it(`lets ${room} import ${specifier}`, () => expect(rules()).toEqual([]));
  }

  for (const [source, rule] of [
    ["export const planted = process.env.X;\n", "noRestrictedGlobals"],
    ["export const planted = Date.now();\n", "noRestrictedGlobals"],
    ['console.log("planted");\n', "noConsole"],
    ["export const planted = globalThis.Date.now();\n", "plugin"],
    ["export const planted = globalThis.process.env.X;\n", "plugin"],
    ["export const planted = globalThis.console.log;\n", "plugin"],
  ] as const) {
    const rules = plant(`${CORE}/session`, source);
    it(`refuses ${source.trim()} in core`, () => expect(rules()).toContain(rule));
  }

  for (const room of [`${CORE}/s3`, FUNCTIONS, LOCAL]) {
    const rules = plant(room, "export const planted = AbortSignal.timeout(1000);\n");
    it(`refuses a timer that nothing clears in ${room}`, () => expect(rules()).toContain("plugin"));
  }

  for (const room of [CORE, FUNCTIONS, LOCAL, WEB, "test"])
    for (const forgets of ["one();", "one().then(() => {});"]) {
      const rules = plant(
        room,
        `async function one(): Promise<void> {}\nexport function planted(): void {\n  ${forgets}\n}\n`,
      );
      it(`refuses a promise without a handler in ${room}: ${forgets}`, () =>
        expect(rules()).toContain("noFloatingPromises"));
    }

  describe("lets the web take types from functions", () => {
    const taking = (how: string) =>
      `${how} { SessionDescription } from "@tenure/functions/routes/auth";\nexport const planted = {} as SessionDescription;\n`;
    const types = plant(WEB, taking("import type"));
    it("by a type import", () => expect(types()).toEqual([]));
    for (const source of [
      taking("import"),
      'export * from "@tenure/functions/api";\n',
      'export const planted = () => import("@tenure/functions/api");\n',
    ]) {
      const rules = plant(WEB, source);
      it(`and not by ${source.split("\n")[0]}`, () => expect(rules()).toContain("plugin"));
    }
  });
});
