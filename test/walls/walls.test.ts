/** Each wall of docs/architecture.md with a planted violation: a guard that does not bite is no guard. */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIOME = join(ROOT, "node_modules/.bin/biome");

/** What the linter says of one more file at `path`: the names of the rules that it breaks. */
async function lint(path: string, source: string): Promise<string[]> {
  const file = join(ROOT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, source);
  try {
    const result = await promisify(execFile)(BIOME, ["lint", "--reporter=json", path], { cwd: ROOT }).catch(
      (failed: { stdout: string }) => failed,
    );
    const { diagnostics } = JSON.parse(result.stdout) as { diagnostics: { category: string; severity: string }[] };
    return diagnostics
      .filter(({ severity }) => severity === "error")
      .map(({ category }) => category.replace(/^lint\/\w+\//, ""));
  } finally {
    rmSync(file);
  }
}

const imports = (specifier: string) => `import * as planted from "${specifier}";\nexport const used = planted;\n`;
const [CORE, FUNCTIONS, WEB, LOCAL] = ["core", "functions", "web", "local"].map((name) => `packages/${name}/src`);

const forbidden: [string, string, string][] = [
  ...["hono", "hono/cookie", "sst", "aws-lambda", "@tenure/functions/api", "@tenure/local/stack"].flatMap(
    (specifier): [string, string, string][] =>
      ["session", "checkpoint", "redis", "dynamo", "s3", "newfeature"].map((room) => [
        `core/${room}`,
        `${CORE}/${room}/planted.ts`,
        specifier,
      ]),
  ),
  ...["otp", "ratelimit", "checkpoint", "thread", "user", "dynamo"].map((room): [string, string, string] => [
    "a strict feature",
    `${CORE}/session/planted.ts`,
    `../${room}/index.ts`,
  ]),
  ...["session", "otp", "thread", "user", "redis"].map((room): [string, string, string] => [
    "a durable feature",
    `${CORE}/checkpoint/planted.ts`,
    `../${room}/index.ts`,
  ]),
  ...["session", "checkpoint", "redis", "s3"].flatMap((room): [string, string, string][] =>
    ["@tenure/core/otp", "node:process"].map((specifier) => [room, `${CORE}/${room}/planted.ts`, specifier]),
  ),
  ["a room of neither side", `${CORE}/newfeature/planted.ts`, "../redis/index.ts"],
  ["redis/", `${CORE}/redis/planted.ts`, "../dynamo/index.ts"],
  ["s3/", `${CORE}/s3/planted.ts`, "../checkpoint/index.ts"],
  ["dynamo/", `${CORE}/dynamo/planted.ts`, "../redis/index.ts"],
  ["what all import", `${CORE}/planted.ts`, "./redis/index.ts"],
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
    ].map((room) => ["any other file than the one", `${room}/planted.ts`, specifier]),
  ),
  ["functions", `${FUNCTIONS}/planted.ts`, "sst"],
  ["functions", `${FUNCTIONS}/planted.ts`, "@tenure/local/stack"],
  ["functions", `${FUNCTIONS}/planted.ts`, "../../../bench/x.ts"],
  ["web", `${WEB}/planted.ts`, "@tenure/core/session"],
  ["web", `${WEB}/planted.ts`, "@tenure/local/stack"],
  ["web", `${WEB}/planted.ts`, "../../functions/src/api.ts"],
  ["web", `${WEB}/planted.ts`, "../../core/src/token.ts"],
];

describe("the linter", () => {
  it.each(forbidden)("refuses that %s (%s) imports %s", async (_who, path, specifier) => {
    expect(await lint(path, imports(specifier))).toContain("noRestrictedImports");
  });

  it.each([
    [`${CORE}/session/planted.ts`, "../redis/index.ts"],
    [`${CORE}/session/planted.ts`, "../errors.ts"],
    [`${CORE}/session/planted.ts`, "./policy.ts"],
    [`${CORE}/checkpoint/planted.ts`, "../dynamo/index.ts"],
    [`${FUNCTIONS}/routes/planted.ts`, "../deps.ts"],
    [`${LOCAL}/planted.ts`, "@tenure/functions/api"],
  ])("lets %s import %s", async (path, specifier) => {
    expect(await lint(path, imports(specifier))).toEqual([]);
  });

  it.each([
    ["process.env", "export const planted = process.env.X;\n", "noRestrictedGlobals"],
    ["Date", "export const planted = Date.now();\n", "noRestrictedGlobals"],
    ["console", 'console.log("planted");\n', "noConsole"],
  ])("refuses %s in core", async (_name, source, rule) => {
    expect(await lint(`${CORE}/session/planted.ts`, source)).toContain(rule);
  });

  it.each(["globalThis.Date.now()", "globalThis.process.env.X", "globalThis.console.log"])(
    "refuses %s in core",
    async (expression) => {
      expect(await lint(`${CORE}/session/planted.ts`, `export const planted = ${expression};\n`)).toContain("plugin");
    },
  );

  it("lets the web take types from functions, and nothing else", async () => {
    const [types, values] = ["import type", "import"].map(
      (how) =>
        `${how} { SessionDescription } from "@tenure/functions/routes/auth";\nexport const planted = {} as SessionDescription;\n`,
    );
    expect(await lint(`${WEB}/planted.ts`, types ?? "")).toEqual([]);
    expect(await lint(`${WEB}/planted.ts`, values ?? "")).toContain("plugin");
    const exported = 'export * from "@tenure/functions/api";\n';
    const called = 'export const planted = () => import("@tenure/functions/api");\n';
    for (const source of [exported, called]) expect(await lint(`${WEB}/planted.ts`, source)).toContain("plugin");
  });
});
