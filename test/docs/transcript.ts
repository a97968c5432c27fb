/** Documents that show what somebody types and sees: the steps of their blocks, and whether something is what a block shows. */

export interface Step {
  /** The number of its line in the document. */
  line: number;
  /** The line that is typed; `^C`; empty for what a program in another terminal is to say by itself; a file to be saved. */
  command: string;
  file?: { path: string; text: string };
  expected: string;
}

/**
 * The steps of a document, in their order: each `$` line or `^C` of a console block, with what is shown below it, and each TypeScript
 * block whose first line names a file. A console block that begins with neither shows what a program says by itself.
 */
export function steps(markdown: string): Step[] {
  const found: Step[] = [];
  let inside: "console" | "file" | undefined;
  for (const [i, line] of markdown.split("\n").entries()) {
    const last = found.at(-1) as Step;
    if (line.startsWith("```")) inside = inside ? undefined : opened(line);
    else if (inside === "file") {
      const [, path] = /^\/\/ (\S+\.tsx?)$/.exec(line) ?? [];
      if (path) found.push({ line: i + 1, command: "", file: { path, text: "" }, expected: "" });
      else if (last.file) last.file.text += `${line}\n`;
    } else if (inside === "console" && (line.startsWith("$ ") || line === "^C"))
      found.push({ line: i + 1, command: line.replace(/^\$ /, ""), expected: "" });
    else if (inside === "console" && isFirst(markdown, i))
      found.push({ line: i + 1, command: "", expected: `${line}\n` });
    else if (inside === "console") last.expected += `${line}\n`;
  }
  return found;
}

const opened = (line: string) => (line === "```console" ? "console" : line === "```ts" ? "file" : undefined);
const isFirst = (markdown: string, i: number) => markdown.split("\n")[i - 1] === "```console";

/** The pattern of what a block shows, in which `…` stands for anything. */
export const pattern = (shown: string): RegExp =>
  new RegExp(
    `^${shown
      .trimEnd()
      .replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")
      .replaceAll("…", "[^]*?")}$`,
  );
