/** The README of packages/local names the commands of the embedded engine, all of them and no other. */
import { expect, it } from "vitest";
import { commands } from "../../packages/local/src/redis/commands/index.ts";
import { document } from "./markdown.ts";

/** Run by the engine itself: see embedded.ts. */
const SCRIPTING = ["EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "SCRIPT"];

it("are those that there are", () => {
  const [, section = ""] = document("packages/local/README.md").text.split("## Commands of the embedded engine\n");
  const [list = ""] = section.trim().split("\n\n");
  const named = [...list.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);
  expect(named).toEqual([...Object.keys(commands), ...SCRIPTING].sort());
});
