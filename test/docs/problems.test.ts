import { readdirSync, readFileSync } from "node:fs";
import { problems, typeOf } from "@tenure/functions/problem";
import { expect, it } from "vitest";

const folder = new URL("../../docs/problems/", import.meta.url);

it("has one page per problem type, with its status", () => {
  expect(readdirSync(folder).sort()).toEqual(
    Object.keys(problems)
      .map((tag) => `${tag}.md`)
      .sort(),
  );
  for (const [tag, { status, title }] of Object.entries(problems)) {
    const page = readFileSync(new URL(`${tag}.md`, folder), "utf8");
    expect(page).toContain(`# ${title}\n\n\`type\`: \`${typeOf(tag)}\` · status ${status}`);
  }
});
