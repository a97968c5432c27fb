/** docs/settings.md has each setting, with the default and the bounds that the code has. */
import { readFileSync } from "node:fs";
import { readSettings, SETTING_NAMES, STANDARD } from "@tenure/functions/settings";
import { expect, it } from "vitest";

const text = readFileSync(new URL("../../docs/settings.md", import.meta.url), "utf8");
const rows = text.split("\n").flatMap((line) => {
  const [, name, , standard, least, most] = line.split("|").map((cell) => cell.trim().replaceAll("`", ""));
  return name?.startsWith("TENURE_") ? [{ name, standard, least, most }] : [];
});

it("has all of them", () => {
  const listed = rows
    .map(({ name }) => name)
    .concat(text.includes("`TENURE_ALLOWED_ORIGINS=") ? "TENURE_ALLOWED_ORIGINS" : [])
    .concat(text.includes("`TENURE_THREAD_STRATEGY` is") ? "TENURE_THREAD_STRATEGY" : []);
  expect(listed.sort()).toEqual([...SETTING_NAMES].sort());
});

it.each(rows)("has the default and the bounds of $name", ({ name, standard, least, most }) => {
  expect(standard).toBe(STANDARD[name]);
  const problemsOf = (value: string | undefined) =>
    readSettings({ TENURE_ABSOLUTE_TIMEOUT: "365d", TENURE_IDLE_TIMEOUT: "10s", [name]: value }).problems;
  expect([problemsOf(least), problemsOf(most)]).toEqual([[], []]);
  expect(problemsOf("0s").concat(problemsOf("999999d")).join("\n")).toContain(
    `${name} must be from ${least} to ${most}`,
  );
});
