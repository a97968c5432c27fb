/** The project's Markdown files, and the parts of them that can be checked. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Folders that hold nothing of the project's own. */
const FOREIGN = new Set(["node_modules", "dist"]);

export interface Document {
  /** From the root of the project, with `/`. */
  path: string;
  text: string;
}

/** Every Markdown file of the project, in the order of their paths. Hidden folders are not looked into. */
export function documents(folder = ROOT): Document[] {
  const found = readdirSync(folder, { withFileTypes: true }).flatMap((entry): Document[] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return FOREIGN.has(entry.name) || entry.name.startsWith(".") ? [] : documents(path);
    if (!entry.name.endsWith(".md")) return [];
    return [{ path: relative(ROOT, path).replaceAll("\\", "/"), text: readFileSync(path, "utf8") }];
  });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function document(path: string): Document {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

export interface Block {
  document: string;
  /** The number of its first line of code. */
  line: number;
  language: string;
  code: string;
}

/** The fenced code blocks of a document. Throws for a fence that is never closed. */
export function blocks({ path, text }: Document): Block[] {
  const found: Block[] = [];
  let open: { fence: string; block: Block; lines: string[] } | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    const [, fence = "", language = ""] = /^\s*(`{3,}|~{3,})\s*([^\s`]*)/.exec(line) ?? [];
    if (!open && fence) open = { fence, lines: [], block: { document: path, line: i + 2, language, code: "" } };
    else if (open && line.trim().startsWith(open.fence) && language === "") {
      found.push({ ...open.block, code: open.lines.join("\n") });
      open = undefined;
    } else open?.lines.push(line);
  }
  if (open) throw new Error(`${path}:${open.block.line - 1}: this code block is not closed`);
  return found;
}

/** A document's text with every code block blanked and every line in its place. */
export function prose({ text }: Document): string {
  let fence = "";
  const lines = text.split("\n").map((line) => {
    const [, mark = ""] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence) {
      if (mark && line.trim().startsWith(fence)) fence = "";
      return "";
    }
    fence = mark;
    return mark ? "" : line;
  });
  return lines.join("\n");
}

/** The rows of a document's tables, header rows included and rulers left out, as trimmed cells. */
export function tableRows(of: Document): { line: number; cells: string[] }[] {
  return prose(of)
    .split("\n")
    .map((line, i) => ({ line: i + 1, text: line }))
    .filter(({ text }) => text.startsWith("|") && !/^[\s|:-]+$/.test(text))
    .map(({ line, text }) => ({
      line,
      cells: text
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    }));
}

/** The number of the line that an offset of a text is in. */
export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;
