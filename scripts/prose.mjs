/**
 * Prints, by package, the share of comment sentences that begin with a bare relative ("What …", "Whether …", "So many …") or, at the
 * beginning of a comment, with a pronoun for something not yet named ("It …", "Those that …"). A comment is read once, by somebody
 * in a hurry: its sentences are to begin with their subject. At most 5 % is the aim; no check fails for it.
 *
 * @example
 * npm run prose
 * npm run prose -- --list packages/core
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Strings and templates are passed over, so that what looks like a comment in one is none. */
const TOKENS =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?:^|(?<=\s))\/\/[^\n]*(?:\n[ \t]*\/\/[^\n]*)*/g;
const RELATIVE =
  /^(?:what|whether|who|whom|whoever|whose|whichever|how (?:many|much|long|often|far)|so (?:many|much|few|long)|that which)\b/i;
const PRONOUN =
  /^(?:it|its|they|them|those|that|this|these|one|ones|others|none|all|he|she)\b(?! (?:\w+ )?(?:module|file|test|class|function)s?\b)/i;
const DIRECTIVE = /^(?:biome-|eslint|@|v8 |c8 |istanbul|<reference|#)/;

/** The sentences of a comment, without its examples and directives. */
function sentencesOf(comment) {
  const text = comment
    .replace(/^\/\*+|\*+\/$/g, "")
    .replace(/^[ \t]*(?:\*|\/\/)[ \t]?/gm, "")
    .replace(/@example[\s\S]*?(?=\n\s*\n|$)/g, "")
    .replace(/\n(?=\s*(?:-|\||\d+\.)\s)/g, ". ")
    .replace(/\s+/g, " ")
    .trim();
  if (DIRECTIVE.test(text)) return [];
  return text
    .split(/(?<=[.!?:])\s+(?=[A-Z`"])/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /[a-z]{2}/.test(sentence));
}

const [mode, under = ""] = process.argv.slice(2);
const files = execFileSync("git", ["ls-files", "*.ts", "*.mjs"], { encoding: "utf8" }).split("\n").filter(Boolean);
const counts = new Map();
for (const file of files) {
  const place = file.startsWith("packages/") ? file.split("/").slice(0, 2).join("/") : (file.split("/")[0] ?? "");
  for (const [comment] of readFileSync(file, "utf8").matchAll(TOKENS)) {
    if (!comment.startsWith("/")) continue;
    sentencesOf(comment).forEach((sentence, n) => {
      const isBare = RELATIVE.test(sentence) || (n === 0 && PRONOUN.test(sentence));
      const count = counts.get(place) ?? { all: 0, bare: 0 };
      counts.set(place, { all: count.all + 1, bare: count.bare + (isBare ? 1 : 0) });
      if (isBare && mode === "--list" && file.startsWith(under)) console.log(`${file}: ${sentence.slice(0, 140)}`);
    });
  }
}
const total = [...counts.values()].reduce((sum, { all, bare }) => ({ all: sum.all + all, bare: sum.bare + bare }));
for (const [place, { all, bare }] of [...counts].sort().concat([["all", total]]))
  console.log(
    `${place.padEnd(20)} ${String(bare).padStart(4)} of ${String(all).padStart(5)} ${((100 * bare) / all).toFixed(1).padStart(5)} %`,
  );
