/** The README of packages/local names the commands of the embedded engine, all of them and no other, and each is one that somebody sends. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { commands } from "../../packages/local/src/redis/commands/index.ts";
import { claimed } from "./claimed.ts";
import { ROOT } from "./markdown.ts";

/** Run by the engine itself: see embedded.ts. */
const SCRIPTING = ["EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "SCRIPT"];
/** Sent by tests alone: an absolute deadline is what they have an oracle for. */
const OF_TESTS = ["PEXPIRETIME"];

/** The words in quotes of all JavaScript or TypeScript below a folder, in upper case. */
function quoted(folder: string): Set<string> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).filter(
    (name) => /\.[cm]?[jt]s$/.test(name) && !/\.(?:test|d)\.[cm]?ts$/.test(name),
  );
  const words = files.flatMap((name) =>
    [...readFileSync(join(ROOT, folder, name), "utf8").matchAll(/["'`]([A-Za-z_]+)["'`]/g)].map(
      ([, word = ""]) => word,
    ),
  );
  return new Set(words.map((word) => word.toUpperCase()));
}

it("are those that there are", () => {
  expect(claimed()).toEqual([...Object.keys(commands), ...SCRIPTING].sort());
});

it("are sent by the product, @upstash/redis or @upstash/ratelimit", () => {
  const clients = [
    "node_modules/@upstash/redis",
    "node_modules/@upstash/ratelimit/dist",
    "node_modules/@upstash/core-analytics",
  ];
  const sent = new Set(
    [...clients, "packages/core/src", "packages/functions/src"].flatMap((folder) => [...quoted(folder)]),
  );
  expect(claimed().filter((name) => !sent.has(name))).toEqual(OF_TESTS);
  expect(sent.has("ZREVRANGEBYSCORE")).toBe(false);
});
